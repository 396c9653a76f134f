import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { until } from '../../test/system/product.ts';

const SCRIPT = fileURLToPath(new URL('../scripts/edge', import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), 'maskline-edge-script-'));
const settings = {
  EDGE_RUN_DIR: directory,
  MASKLINE_URL: 'http://127.0.0.1:9',
  MASKLINE_API_KEY: 'a-key',
  MASKLINE_HOOK: 'http://127.0.0.1:9/webhooks/sip/a/b',
  MASKLINE_HOOK_PASSWORD: 'a-password',
  EDGE_MEDIA_UNANSWERED_SECONDS: '2',
  EDGE_MEDIA_SILENCE_SECONDS: '2',
};

async function edge(
  command: string,
  change: NodeJS.ProcessEnv = {},
): Promise<{ code: number; said: string }> {
  const env = { ...process.env, ...settings, ...change };
  return promisify(execFile)(SCRIPT, [command], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      said: error.stdout + error.stderr,
    }),
  );
}

const pid = (name: string): string => readFileSync(path.join(directory, `${name}.pid`), 'utf8');

describe('scripts/edge', () => {
  afterAll(async () => {
    await edge('stop');
    rmSync(directory, { recursive: true, force: true });
  });

  it('starts once, however often it is told to', async () => {
    expect(await edge('status')).toMatchObject({ code: 3 });
    expect(await edge('start')).toMatchObject({
      code: 0,
      said: expect.stringContaining('runs at 127.0.30.1:5060'),
    });
    const before = [pid('kamailio'), pid('rtpengine')];
    expect(await edge('start')).toMatchObject({ code: 0, said: expect.stringContaining('runs already') });
    expect([pid('kamailio'), pid('rtpengine')]).toEqual(before);
    expect(await edge('status')).toMatchObject({ code: 0 });
  });

  it('keeps its settings, which hold secrets, to their owner', () => {
    expect(statSync(path.join(directory, 'kamailio.cfg')).mode & 0o077).toBe(0);
    expect(statSync(directory).mode & 0o077).toBe(0);
  });

  it('has a relay that gives ports back by itself when nobody ever answers or ends a call', async () => {
    const sockets = (): number => readdirSync(`/proc/${pid('rtpengine').trim()}/fd`).length;
    const before = sockets();
    const sdp =
      'v=0\r\no=- 1 1 IN IP4 127.0.10.1\r\ns=-\r\nc=IN IP4 127.0.10.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n';
    const socket = createSocket('udp4');
    // An offer in rtpengine's control protocol, as Kamailio makes it, and then nothing.
    const offer = `7:call-id4:lost7:command5:offer8:from-tag6:caller3:sdp${sdp.length}:${sdp}`;
    socket.send(`lost d${offer}e`, 2223, '127.0.40.1');
    try {
      const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
      expect(String(answer)).toContain('6:result2:ok');
      expect(sockets()).toBeGreaterThan(before);
      await until('the ports to be given back', () => sockets() <= before);
    } finally {
      socket.close();
    }
  });

  it('stops, however often it is told to', async () => {
    expect(await edge('stop')).toMatchObject({ code: 0 });
    expect(await edge('stop')).toMatchObject({ code: 0 });
    expect(await edge('status')).toMatchObject({
      code: 3,
      said: expect.stringContaining('kamailio: stopped'),
    });
  });

  it('says which setting is missing', async () => {
    const { code, said } = await edge('start', { MASKLINE_HOOK: '' });
    expect(code).not.toBe(0);
    expect(said).toContain('MASKLINE_HOOK');
  });

  it.each([
    ['TLS and TCP', { EDGE_WITH_TLS: '1', EDGE_WITH_TCP: '1' }],
    ['SRTP', { EDGE_WITH_SRTP: '1' }],
  ])('accepts the settings for %s', async (_, change) => {
    expect(await edge('check', change)).toMatchObject({ code: 0 });
  });

  it('explains itself', async () => {
    expect(await edge('restart')).toMatchObject({ code: 64, said: expect.stringContaining('usage') });
  });
});
