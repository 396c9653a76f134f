import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandMasterKey } from './command-master-key.ts';
import { exerciseMasterKeySource, type MasterKeyBench } from './master-key-conformance.ts';
import { givenMasterKey } from './master-key-source.ts';
import { vaultTransitMasterKey } from './vault-transit-master-key.ts';

exerciseMasterKeySource('a program', async (): Promise<MasterKeyBench> => {
  const directory = mkdtempSync(path.join(tmpdir(), 'maskline-key-'));
  const program = path.join(directory, 'unwrap');
  const key = randomBytes(32);
  const write = (script: string): void => {
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o700);
  };
  const print = (text: string): void => {
    writeFileSync(path.join(directory, 'answer'), text);
    write('cat "$1"');
  };
  print(`${key.toString('base64')}\n`);
  return {
    source: commandMasterKey([program, path.join(directory, 'answer')]),
    key,
    secrets: [key.toString('base64'), 'a word on the error output'],
    answer: async (text) => print(text),
    refuse: async () => write('echo a word on the error output >&2; exit 3'),
    hang: async () => write('exec sleep 30'),
    goDown: async () => rmSync(program),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
});

/** Answers as the transit engine does, and checks what it is asked. */
class FakeTransit {
  readonly key = randomBytes(32);
  readonly token = 'hvs.a-token-of-the-tests';
  readonly ciphertext = 'vault:v1:c2VhbGVkIGtleSBvZiB0aGUgdGVzdHM=';
  respond: (response: ServerResponse) => void = (response) =>
    this.#plaintext(response, this.key.toString('base64'));
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        const asked = [request.method, request.url, request.headers['x-vault-token']];
        const right =
          JSON.stringify(asked) === JSON.stringify(['POST', '/v1/transit/decrypt/maskline', this.token]) &&
          (JSON.parse(body) as { ciphertext: string }).ciphertext === this.ciphertext;
        if (right) this.respond(response);
        else response.writeHead(403).end('{"errors":["permission denied"]}');
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answer(text: string): void {
    this.respond = (response) => this.#plaintext(response, text);
  }

  #plaintext(response: ServerResponse, plaintext: string): void {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ data: { plaintext } }));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

exerciseMasterKeySource('Vault transit', async (): Promise<MasterKeyBench> => {
  const vault = new FakeTransit();
  const url = await vault.listen();
  const { token, ciphertext, key } = vault;
  return {
    source: vaultTransitMasterKey({ url, key: 'maskline', token, ciphertext }),
    key,
    secrets: [token, ciphertext, key.toString('base64')],
    answer: async (text) => vault.answer(text),
    refuse: async () => {
      vault.respond = (response) => response.writeHead(403).end('{"errors":["permission denied"]}');
    },
    hang: async () => {
      vault.respond = () => {};
    },
    goDown: () => vault.close(),
    close: () => vault.close().catch(() => {}),
  };
});

describe('Vault transit', () => {
  it.each([
    [503, '{"errors":["Vault is sealed"]}', /unsealed/],
    [200, 'not JSON at all', /something else/],
    [200, '{"data":{}}', /something else/],
    [302, '', /does not answer|answered 302/],
  ])('refuses an answer of %i %s', async (status, text, reason) => {
    const vault = new FakeTransit();
    const { token, ciphertext } = vault;
    vault.respond = (response) => response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(text);
    const source = vaultTransitMasterKey({ url: await vault.listen(), key: 'maskline', token, ciphertext });
    await expect(source.read(AbortSignal.timeout(5_000))).rejects.toThrow(reason);
    await vault.close();
  });
});

it('takes what the settings gave for good', async () => {
  const key = randomBytes(32);
  const source = givenMasterKey(key);
  expect(source.revocable).toBe(false);
  expect(await source.read(AbortSignal.timeout(1))).toBe(key);
});
