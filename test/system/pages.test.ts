import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkAppPages,
  checkBoard,
  checkGuide,
  type PageStage,
} from '../../demos/delivery/server/testing/page-checks.ts';
import { Product, until } from './product.ts';

const CHROMIUM = process.env.CHROMIUM_PATH;
/** A folder for what the pages looked like; nothing is kept without it. */
const SCREENSHOTS = process.env.MASKLINE_SCREENSHOTS;
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// `npm test` finds the browser and says so when there is none.
describe.runIf(CHROMIUM)('the pages of the whole product, in Chromium', () => {
  let product: Product;
  let context: BrowserContext;
  let stage: PageStage;
  const complaints: string[] = [];
  const profile = mkdtempSync(path.join(tmpdir(), 'maskline-chromium-'));

  beforeAll(async () => {
    product = await Product.start();
    await until(
      'the pages',
      async () => !String((await product.delivery('GET', '/')).body).includes('http-equiv="refresh"'),
      60_000,
    );
    context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM ?? '',
      args: ARGUMENTS,
      viewport: { width: 1440, height: 1000 },
    });
    const url = product.url('delivery', '');
    if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
    stage = {
      company: { delivery: { url } },
      openPage: async (at) => {
        const page = await context.newPage();
        page.on('pageerror', (error) => complaints.push(`${at}: ${error.message}`));
        page.on('console', (line) => {
          if (/Content Security Policy/.test(line.text())) complaints.push(`${at}: ${line.text()}`);
        });
        await page.goto(url + at);
        return page;
      },
      shoot: async (page: Page, name: string) => {
        if (SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
      },
    };
  }, 120_000);
  afterAll(async () => {
    await context?.close();
    await product?.destroy();
    rmSync(profile, { recursive: true, force: true });
  });

  it.each([
    ['lead a visitor through the whole story', checkGuide],
    ['let a dispatcher place, assign, reassign, complete and cancel, and watch calls and stock', checkBoard],
    ['give each person an app and a handset of their own', checkAppPages],
  ])('%s', { timeout: 120_000 }, async (_what, check) => {
    await check(stage);
    for (const page of context.pages().slice(1)) await page.close();
    expect(complaints).toEqual([]);
  });
});
