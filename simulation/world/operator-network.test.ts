import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PgliteDatabase } from '../../src/storage/pglite/pglite-database.ts';
import { emptyDatabase, openOnEngine, type SharedEngine, startSharedEngine } from '../engine.ts';
import { FAULT_KINDS } from './fault-plan.ts';
import { openWorld } from './open-world.ts';
import { phoneText } from './people.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

let engine: SharedEngine;
let database: PgliteDatabase;
beforeAll(async () => {
  engine = await startSharedEngine();
  database = await openOnEngine(engine);
});
afterAll(() => database.close());

it('ends the run by what the judge says of an answer, although the exchange takes it for none', async () => {
  await emptyDatabase(engine, database, null);
  const world = new World({ seed: 1, database, without: FAULT_KINDS });
  await openWorld(world);
  const [operator] = world.operators;
  const [number] = operator?.heldNumbers() ?? [];
  expect(number).toBeDefined();
  world.judge.hear = () => {
    throw new Violation('INV-20 connected by a session that is over');
  };
  const dialling = operator?.exchange.calls.dial({ from: phoneText(1), to: number ?? '' });
  await world.advance(1_000, true).catch(() => {});
  await dialling;
  expect(world.failure?.message).toBe('INV-20 connected by a session that is over');
  await expect(world.observe()).rejects.toThrow(Violation);
  world.close();
});
