import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import type { OrderListView } from './api-types.ts';
import { callApi } from './testing/call-api.ts';
import { MemoryBus } from './testing/memory-bus.ts';
import { type FakeCompany, startFakeCompany } from './testing/start-fake-company.ts';

interface OrderEvent {
  readonly id: string;
  readonly type: string;
}

let directory: string;
let stateFile: string;
const running: FakeCompany[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'delivery-state-'));
  stateFile = join(directory, 'delivery.sqlite');
});
afterEach(async () => {
  for (const company of running.splice(0)) await company.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(overrides: Parameters<typeof startFakeCompany>[0] = {}): Promise<FakeCompany> {
  const company = await startFakeCompany({ stateFile, ...overrides });
  running.push(company);
  return company;
}

/** The process is gone; what it wrote stays. A stop writes nothing more, so it stands for `kill -9` here. */
async function die(company: FakeCompany): Promise<void> {
  running.splice(running.indexOf(company), 1);
  await company.stop();
}

const place = (company: FakeCompany) =>
  callApi<{ orderId: string }>(company.delivery.url, 'POST', '/api/orders', { customerId: 'ana' });
const events = (bus: MemoryBus) => bus.events<OrderEvent>('orders');

describe('the outbox', () => {
  it('publishes after a crash what was acknowledged before it', async () => {
    const away = new MemoryBus();
    away.outage = 'refuses';
    const first = await start({ bus: away });
    const { status, body } = await place(first);
    expect(status).toBe(201);
    await callApi(first.delivery.url, 'POST', `/api/orders/${body.orderId}/assign`, { driverId: 'mei' });
    await die(first);
    expect(events(away)).toEqual([]);

    const bus = new MemoryBus();
    const second = await start({ bus });
    await expect
      .poll(() => events(bus).map(({ type }) => type))
      .toEqual(['order.placed', 'order.driver_assigned']);
    const { body: board } = await callApi<OrderListView>(second.delivery.url, 'GET', '/api/orders');
    expect(board.data[0]).toMatchObject({ orderId: body.orderId, status: 'assigned', assignment: 1 });
  });

  it('goes on by itself when the bus comes back, in the order of the changes', async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus();
    bus.outage = 'refuses';
    const company = await start({ bus, clock });
    const { body } = await place(company);
    await callApi(company.delivery.url, 'POST', `/api/orders/${body.orderId}/cancel`);
    await expect.poll(() => bus.publishCalls).toBe(1);
    bus.outage = null;
    clock.advance(10_000);
    await expect.poll(() => events(bus).map(({ type }) => type)).toEqual(['order.placed', 'order.cancelled']);
  });

  it('repeats an event with the same id when the answer of the bus was lost', async () => {
    const clock = new ManualClock();
    const bus = new MemoryBus();
    bus.outage = 'loses_answer';
    const company = await start({ bus, clock });
    await place(company);
    await expect.poll(() => bus.publishCalls).toBe(1);
    bus.outage = null;
    clock.advance(10_000);
    await expect.poll(() => events(bus).length).toBe(2);
    expect(new Set(events(bus).map(({ id }) => id)).size).toBe(1);
  });

  it('does not repeat what was published before a restart', async () => {
    const first = await start();
    await place(first);
    await expect.poll(() => events(first.bus).length).toBe(1);
    await die(first);
    const second = await start();
    await place(second);
    await expect.poll(() => events(second.bus).length).toBe(1);
    const { body } = await callApi<OrderListView>(second.delivery.url, 'GET', '/api/orders');
    expect(body.data).toHaveLength(2);
  });
});

describe('the state file', () => {
  it('is for its owner only, because it holds real numbers', async () => {
    await start();
    for (const file of readdirSync(directory))
      expect([file, statSync(join(directory, file)).mode & 0o077]).toEqual([file, 0]);
    expect(readdirSync(directory)).toContain('delivery.sqlite-wal');
  });
});
