/**
 * Clicks through the pages in Chromium, with fakes behind them, and fails on anything that a visitor would miss.
 *
 *   node demos/delivery/server/testing/check-pages.ts [folder for screenshots]
 *
 * Needs Chromium (CHROMIUM_PATH, default /usr/bin/chromium), and is therefore no part of the unit tests.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { chromium, type Page } from 'playwright-core';
import { buildPages, PAGES_DIRECTORY } from '../build-pages.ts';
import { checkAppPages, checkAwayServices, checkBoard, checkGuide } from './page-checks.ts';
import { startFakeCompany } from './start-fake-company.ts';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
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

if (!existsSync(CHROMIUM)) {
  console.error(`No Chromium at ${CHROMIUM}: install it, or set CHROMIUM_PATH.`);
  process.exit(1);
}
const screenshots = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'delivery-pages-'));
mkdirSync(screenshots, { recursive: true });
await buildPages({ log: pino({ level: 'warn' }) });
const company = await startFakeCompany({ assetsDir: PAGES_DIRECTORY, pagesReady: Promise.resolve() });
const profileDirectory = mkdtempSync(join(tmpdir(), 'delivery-chromium-'));
const context = await chromium.launchPersistentContext(profileDirectory, {
  executablePath: CHROMIUM,
  args: ARGUMENTS,
  viewport: { width: 1440, height: 1000 },
});
const complaints: string[] = [];
const openPage = async (path: string): Promise<Page> => {
  const page = await context.newPage();
  page.on('console', (message) => {
    // What a check provokes, the browser reports: answers of 4xx and 5xx, and broken connections.
    if (message.type() === 'error' && !/Failed to load resource|ERR_/.test(message.text()))
      complaints.push(`${path}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
  await page.goto(`${company.delivery.url}${path}`);
  return page;
};
try {
  const stage = { company, openPage, shoot: shootInto(screenshots) };
  for (const check of [checkGuide, checkBoard, checkAppPages, checkAwayServices]) {
    await check(stage);
    console.log(`${check.name}: ok`);
  }
  if (complaints.length > 0) throw new Error(`The pages complained:\n${complaints.join('\n')}`);
  console.log(`Screenshots: ${screenshots}`);
} finally {
  await context.close();
  await company.stop();
  rmSync(profileDirectory, { recursive: true, force: true });
}

function shootInto(folder: string): (page: Page, name: string) => Promise<void> {
  return async (page, name) => {
    await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' });
  };
}
