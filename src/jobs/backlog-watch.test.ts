import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createWorld } from '../app/testing/world.ts';
import { BacklogWatch } from './backlog-watch.ts';

async function watchOver(lag: () => Promise<bigint | null>) {
  const { app } = await createWorld();
  const watch = new BacklogWatch(app, { bus: { lag }, topic: 'orders', group: 'maskline' });
  const stopping = new AbortController();
  return { watch, stopping, look: () => watch.job.run(stopping.signal) };
}

describe('BacklogWatch', () => {
  it('says how long the outbox and how many order events wait', async () => {
    const { watch, look } = await watchOver(async () => 12_000n);
    expect(watch.checks.consumer).toMatchObject({ ok: false });
    await look();
    expect(watch.checks.outbox).toEqual({ ok: true, detail: 'Nothing waits to be published.' });
    expect(watch.checks.consumer).toEqual({ ok: false, detail: '12000 order events wait.' });
  });

  it('leaves nothing behind on the signal of a process that lives for months', async () => {
    const { stopping, look } = await watchOver(async () => 0n);
    for (let round = 0; round < 20; round++) await look();
    expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });

  it('keeps nobody who stops waiting for a bus that does not answer', async () => {
    const { watch, stopping, look } = await watchOver(() => new Promise(() => {}));
    const looking = look();
    stopping.abort();
    await looking;
    await look();
    expect(watch.checks.outbox.detail).toContain('could not be measured');
    expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });
});
