import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createGuardedSender } from './guarded-sender.ts';
import { createResolveHost } from './resolve-host.ts';

const A = 1;
const AAAA = 28;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

/** A name server that gives these addresses, or says nothing at all. */
async function nameServer(records: Readonly<Record<number, Uint8Array>> | null) {
  const questions: string[] = [];
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(socket);
  await once(socket, 'listening');
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12);
    questions.push(
      question
        .subarray(13, end)
        .toString('latin1')
        .replace(/[^a-z0-9-]/g, '.'),
    );
    if (!records) return;
    const address = records[question.readUInt16BE(end + 1)];
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(address ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const parts = [header, question.subarray(12, end + 5)];
    if (address) {
      const type = question.readUInt16BE(end + 1);
      // The name of the question again, this type, class IN, a minute, and the address.
      const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address]);
      parts.push(record);
    }
    socket.send(Buffer.concat(parts), from.port, from.address);
  });
  const resolve = createResolveHost({ servers: [`127.0.0.1:${socket.address().port}`] });
  return { resolve, questions };
}

describe('the addresses of a host', () => {
  it('are those of both kinds, IPv4 first', async () => {
    const six = [0x20, 1, 0x48, 0x60, ...Array.from({ length: 11 }, () => 0), 8];
    const { resolve } = await nameServer({ [A]: Buffer.from([8, 8, 4, 4]), [AAAA]: Buffer.from(six) });
    expect(await resolve('hooks.example.com', AbortSignal.timeout(5_000))).toEqual([
      '8.8.4.4',
      '2001:4860::8',
    ]);
  });

  it('may be of one kind alone, and none is an error', async () => {
    const one = await nameServer({ [A]: Buffer.from([8, 8, 4, 4]) });
    expect(await one.resolve('hooks.example.com', AbortSignal.timeout(5_000))).toEqual(['8.8.4.4']);
    const none = await nameServer({});
    await expect(none.resolve('hooks.example.com', AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'ENODATA',
    });
  });

  it('are asked of the name server alone: no file of this machine and no search domain is read', async () => {
    const { resolve, questions } = await nameServer({});
    for (const host of ['localhost.example.com', 'db.prod']) {
      await expect(resolve(host, AbortSignal.timeout(5_000))).rejects.toThrow();
    }
    expect(new Set(questions)).toEqual(new Set(['localhost.example.com', 'db.prod']));
  });

  it('that point home are refused, whichever kind they are', async () => {
    const mapped = [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, 10, 0, 0, 1];
    for (const records of [
      { [A]: Buffer.from([10, 0, 0, 1]) },
      { [A]: Buffer.from([8, 8, 4, 4]), [AAAA]: Buffer.from(mapped) },
    ]) {
      const { resolve } = await nameServer(records);
      const send = createGuardedSender({ allowLoopback: false }, resolve);
      const request = { url: 'https://hooks.example.com/', headers: {}, body: '{}' };
      await expect(send(request, AbortSignal.timeout(5_000))).rejects.toThrow('not public');
    }
  });

  it('of a silent name server are given up with the attempt, and hold up nothing else', async () => {
    const { resolve, questions } = await nameServer(null);
    const abort = new AbortController();
    const asked = Array.from({ length: 20 }, (_, n) => resolve(`h${n}.example.com`, abort.signal));
    const outcomes = Promise.allSettled(asked);
    await expect.poll(() => questions.length).toBeGreaterThan(20);
    // With `dns.lookup`, this would wait for a thread.
    await stat('.');
    abort.abort();
    for (const { status } of await outcomes) expect(status).toBe('rejected');
    await expect(resolve('late.example.com', abort.signal)).rejects.toThrow();
  });
});
