import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pagesFingerprint } from './pages/pages-fingerprint.ts';
import { type FakeCompany, startFakeCompany } from './testing/start-fake-company.ts';

let directory: string;
const running: FakeCompany[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'delivery-dist-'));
});
afterEach(async () => {
  for (const company of running.splice(0)) await company.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(pagesReady: Promise<void>): Promise<string> {
  const company = await startFakeCompany({ assetsDir: directory, pagesReady });
  running.push(company);
  return company.delivery.url;
}

function writeBuild(): void {
  mkdirSync(join(directory, 'assets'));
  writeFileSync(
    join(directory, 'index.html'),
    '<!doctype html><link nonce="__CSP_NONCE__"><script nonce="__CSP_NONCE__"></script>',
  );
  writeFileSync(join(directory, 'assets', 'app-1.js'), 'export {};');
}

describe('the pages', () => {
  it('are a page that asks again until they are built, while the API works', async () => {
    let finish = (): void => undefined;
    const url = await start(new Promise((resolve) => (finish = resolve)));
    const waiting = await fetch(`${url}/customer/ana`);
    expect(waiting.status).toBe(503);
    expect(await waiting.text()).toContain('<meta http-equiv="refresh"');
    expect((await fetch(`${url}/api/orders`)).status).toBe(200);

    writeBuild();
    finish();
    await expect.poll(async () => (await fetch(`${url}/customer/ana`)).status).toBe(200);
  });

  it('say so when they could not be built, and stop asking', async () => {
    const url = await start(Promise.reject(new Error('no')));
    const page = await (await fetch(url)).text();
    expect(page).toContain('could not be built');
    expect(page).not.toContain('http-equiv="refresh"');
  });

  it.each(['/', '/customer/ana', '/driver/dario', '/phone/ana'])(
    'are the same document at %s',
    async (path) => {
      writeBuild();
      const url = await start(Promise.resolve());
      const first = await fetch(`${url}${path}`);
      const second = await fetch(`${url}${path}`);
      const policy = first.headers.get('content-security-policy') ?? '';
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? 'none';
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain('unsafe');
      const html = await first.text();
      expect(html.split(nonce)).toHaveLength(3);
      expect(await second.text()).not.toBe(html);
    },
  );

  it('serve their files for a year, and nothing outside', async () => {
    writeBuild();
    const url = await start(Promise.resolve());
    const file = await fetch(`${url}/assets/app-1.js`);
    expect(file.status).toBe(200);
    expect(file.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${url}/assets/app-2.js`)).status).toBe(404);
    expect((await fetch(`${url}/assets/..%2findex.html`)).status).not.toBe(200);
    expect((await fetch(`${url}/index.html`)).status).toBe(404);
  });

  it('show a way back at unknown addresses', async () => {
    const url = await start(Promise.resolve());
    const response = await fetch(`${url}/nowhere`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('<a href="/">');
  });
});

describe('the fingerprint of the pages', () => {
  it('changes with what is built, and not with tests', async () => {
    const app = join(directory, 'app');
    mkdirSync(join(app, 'parts'), { recursive: true });
    writeFileSync(join(app, 'main.tsx'), '1');
    writeFileSync(join(directory, 'package.json'), '{}');
    writeFileSync(join(directory, 'vite.config.ts'), '');
    mkdirSync(join(directory, 'server'));
    writeFileSync(join(directory, 'server', 'api-types.ts'), '');
    const fingerprint = () => pagesFingerprint(directory);
    const first = await fingerprint();
    expect(await fingerprint()).toBe(first);
    writeFileSync(join(app, 'parts', 'x.test.ts'), 'a test');
    expect(await fingerprint()).toBe(first);
    writeFileSync(join(app, 'parts', 'x.ts'), '');
    const second = await fingerprint();
    expect(second).not.toBe(first);
    writeFileSync(join(app, 'main.tsx'), '2');
    expect(await fingerprint()).not.toBe(second);
  });
});
