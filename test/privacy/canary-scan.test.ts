import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openPglite } from '../../src/storage/pglite/open-pglite.ts';
import { statement } from '../../src/storage/sql/connection.ts';
import { Product, until } from '../system/product.ts';
import { CANARIES } from './canaries.ts';
import { CanaryRun } from './canary-run.ts';
import { dumpTables } from './dump-tables.ts';
import { ENCODINGS } from './encodings.ts';
import { filesOf, LeakScan, type Remains } from './leak-scan.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

/**
 * What other companies keep lies in the same directory in development: the operator's record of phones and
 * calls, and the delivery company's Profile store. Both must know real numbers; neither is ours.
 */
const OF_OTHERS = /^(simulator|delivery)\.sqlite(-wal|-shm|-journal)?$/;

const scan = new LeakScan(CANARIES);
let product: Product;
let run: CanaryRun;
let receiver: WebhookReceiver;
let dump: Remains[];

beforeAll(async () => {
  product = await Product.start({ MASKLINE_LOG_LEVEL: 'debug' });
  run = new CanaryRun(product);
  receiver = await WebhookReceiver.start();
  await run.listenAt(receiver.url);
  await run.api();
  await run.everyNumber();
  await run.forgedWebhooks();
  await run.delivery();
  await until('outgoing webhooks', () => receiver.received.length > 20);
  // A crash in the middle of it all: what it leaves behind is looked at as well.
  await product.kill('SIGKILL');
  await run.publishWhileStopped();
  await product.start();
  await run.eventsRead();
  await run.publicPages();
  await product.kill('SIGTERM');
  dump = await dumpOf(product.dataDir);
});
afterAll(async () => {
  await receiver?.stop();
  await product?.destroy();
});

async function dumpOf(dataDir: string): Promise<Remains[]> {
  const database = await openPglite({ dataDir: path.join(dataDir, 'database'), clock: systemClock });
  const tables = await dumpTables(database);
  await database.close();
  return tables;
}

const files = () => filesOf(product.dataDir, (relative) => OF_OTHERS.test(relative));
const log = (): Remains => ({ place: 'log', bytes: Buffer.from(product.output) });

describe('after real numbers went through everything', () => {
  test('there was something to find: rows, dead letters, calls, a long log', () => {
    const sizeOf = (table: string) => dump.find(({ place }) => place === `table ${table}`)?.bytes.length ?? 0;
    for (const table of ['participant', 'route', 'call', 'message', 'bus_message', 'virtual_number']) {
      expect([table, sizeOf(table) > 300]).toEqual([table, true]);
    }
    expect(product.output).toContain('"level":"debug"');
    expect(product.output).toContain('an order event became a dead letter');
    expect(run.answers.length).toBeGreaterThan(60);
  });

  test('the log holds none', () => {
    expect(scan.search([log()])).toEqual([]);
  });

  test('no answer, page, stream, metric or document holds one', () => {
    expect(scan.search(run.answers)).toEqual([]);
  });

  test('no outgoing webhook holds one', () => {
    const kinds = new Set(receiver.received.map(({ place }) => place));
    for (const type of ['session.opened', 'session.closed', 'call.refused']) {
      expect(kinds).toContain(`outgoing webhook ${type}`);
    }
    expect(scan.search(receiver.received)).toEqual([]);
    const [one] = receiver.received;
    const planted = Buffer.concat([one?.bytes ?? Buffer.alloc(0), Buffer.from(CANARIES[7] ?? '')]);
    expect(scan.search([{ place: 'planted', bytes: planted }])).not.toEqual([]);
  });

  test('no row of any table holds one', () => {
    expect(scan.search(dump)).toEqual([]);
  });

  test('no file of ours holds one, the files and the log of the database included', () => {
    const names = [...files()].map(({ place }) => place);
    expect(names.some((name) => name.includes('pg_wal'))).toBe(true);
    expect(scan.search(files())).toEqual([]);
  });

  test('no memory was dumped', () => {
    expect(existsSync('core')).toBe(false);
    expect([...files()].some(({ place }) => /core(\.[0-9]+)?$/.test(place))).toBe(false);
  });
});

describe('the scan finds a planted number', () => {
  const [planted] = CANARIES as [string];
  const around = (bytes: Uint8Array) =>
    Buffer.concat([Buffer.from('…before '), bytes, Buffer.from(' after…')]);

  test.each(ENCODINGS)('as $name', ({ encode, name }) => {
    for (const bytes of encode(planted)) {
      const found = scan.search([{ place: 'text', bytes: around(bytes) }]);
      expect(found.map((leak) => leak.encoding)).toContain(name);
    }
  });

  test.each([0, 1, 2])('in the base64 of a text that begins %i bytes before it', (offset) => {
    const text = Buffer.from(`${'x'.repeat(offset)}${planted} and so on`).toString('base64');
    const leaks = scan.search([{ place: 'text', bytes: Buffer.from(text) }]);
    expect(leaks.map(({ encoding }) => encoding)).toContain('base64');
  });

  test('in the log and in an answer', () => {
    const line = Buffer.from(`${product.output}{"level":"debug","from":"${planted}"}\n`);
    expect(scan.search([{ place: 'log', bytes: line }])).not.toEqual([]);
    const [answer] = run.answers;
    const bytes = Buffer.concat([answer?.bytes ?? Buffer.alloc(0), Buffer.from(planted)]);
    expect(scan.search([{ place: 'answer', bytes }])).not.toEqual([]);
  });

  test('in a file, in a row, in a bytea column, and so in the files of the database', async () => {
    const copy = mkdtempSync(path.join(tmpdir(), 'maskline-planted-'));
    try {
      writeFileSync(path.join(copy, 'core.1234'), around(Buffer.from(planted, 'utf16le')));
      cpSync(path.join(product.dataDir, 'database'), path.join(copy, 'database'), { recursive: true });
      await plantRows(copy, planted);
      const inRows = scan.search(await dumpOf(copy));
      expect(new Set(inRows.map(({ place }) => place))).toEqual(
        new Set(['table lease', 'table bus_message']),
      );
      const inFiles = scan.search(filesOf(copy, () => false)).map(({ place }) => place);
      expect(inFiles).toContain('file core.1234');
      expect(inFiles.some((place) => place.includes('pg_wal'))).toBe(true);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
});

async function plantRows(directory: string, planted: string): Promise<void> {
  const database = await openPglite({ dataDir: path.join(directory, 'database'), clock: systemClock });
  await database.asOwner(async (session) => {
    const inText = `insert into maskline.lease (name, holder, held_until) values ($1, 'x', now())`;
    await session.query(statement('plant_text', inText), [planted]);
    const inBytes = `insert into maskline.bus_message values ('planted', 0, 'x', '{}', $1, now())`;
    await session.query(statement('plant_bytes', inBytes), [Buffer.from(planted.slice(1))]);
  });
  await database.close();
}
