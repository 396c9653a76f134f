import type { Database } from '../src/storage/sql/connection.ts';
import { checkCalls } from './checks/call-checks.ts';
import { checkAnnounced } from './checks/event-checks.ts';
import { checkLiveness, heal, publishAll, whatWaits, workFor } from './checks/liveness.ts';
import { checkOrders, fingerprint } from './checks/order-checks.ts';
import { checkEverythingReturned, checkInventory, checkNobodyWaitsInVain } from './checks/stock-checks.ts';
import { openWorld } from './world/open-world.ts';
import { Play } from './world/play.ts';
import { Reached } from './world/reached.ts';
import { TOPICS } from './world/replica.ts';
import { demand, promiseOf, Violation } from './world/violation.ts';
import { World } from './world/world.ts';

export interface SeedOptions {
  readonly seed: number;
  readonly steps: number;
  readonly without?: readonly string[];
  readonly database: Database;
  readonly reached?: Reached;
}

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly trace: string;
  /** null: nothing that must never happen has happened */
  readonly failure: string | null;
  /** the promise that was broken; null also when the run ended in an error that is no violation of any */
  readonly violated: string | null;
  /** the step in which it failed; `steps` when it was found at the end */
  readonly failedAt: number | null;
  readonly history: readonly string[];
  readonly simulatedMs: number;
}

/** One run on an empty database. The same seed and steps on the same commit give the same trace. */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { seed, steps, database, without = [] } = options;
  const world = new World({ seed, database, without, reached: options.reached ?? new Reached() });
  let failure: string | null = null;
  let violated: string | null = null;
  let step = 0;
  try {
    await openWorld(world);
    const play = new Play(world);
    for (; step < steps; step++) await play.step();
    await finish(play);
    if (world.failure) throw world.failure;
  } catch (error) {
    if (error instanceof Violation) violated = promiseOf(error.message);
    failure = whatFailed(error);
    world.trace.say(`FAILED ${failure}`);
  } finally {
    world.close();
    await world.scheduler.settle();
  }
  return {
    seed,
    steps,
    trace: world.trace.digest(),
    failure,
    violated,
    failedAt: failure === null ? null : step,
    history: world.trace.lines,
    simulatedMs: world.clock.now() - Date.UTC(2026, 0, 1),
  };
}

function whatFailed(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof Violation ? error.message : (error.stack ?? error.message);
}

async function finish(play: Play): Promise<void> {
  const { world } = play;
  await heal(play);
  await checkLiveness(play);
  await publishAll(play);
  await checkOrders(play);
  await checkCalls(world);
  await checkInventory(world);
  await checkNobodyWaitsInVain(world);
  checkAnnounced(world);
  await checkReplayed(play);
  await checkTimeIsUp(play);
}

/** INV-13: reading the whole topic again changes nothing. */
async function checkReplayed(play: Play): Promise<void> {
  const { world } = play;
  const before = await fingerprint(world.database);
  const published = world.bus.all(TOPICS.masking).length;
  world.orderTopic.loseOffsets();
  world.reached.count('the topic was read again from its start');
  for (let round = 0; round < 100 && world.orderTopic.lag() > 0; round++) {
    world.poll();
    await world.scheduler.drain();
  }
  demand(world.orderTopic.lag() === 0, () => 'INV-50 the topic cannot be read again to its end');
  const after = await fingerprint(world.database);
  // What was refused while the Profile directory was away may find it back.
  const { persons, rules } = world.permissions;
  const mayDiffer = world.bus
    .all(TOPICS.deadLetter)
    .some(({ headers: { reason } }) =>
      reason === 'profile_unavailable'
        ? true
        : reason !== 'invalid_data' && persons.length + rules.length > 0,
    );
  if (mayDiffer) return;
  demand(before === after, () => `INV-13 reading the topic again changed ${before} to ${after}`);
  demand(
    world.bus.all(TOPICS.masking).length === published,
    () => 'INV-13 reading the topic again announced something',
  );
}

/** INV-14: a session whose end never comes ends by its time, and everything comes back. */
async function checkTimeIsUp(play: Play): Promise<void> {
  const { world } = play;
  const ends = [...world.observer.sessions.values()].map(({ latest }) => latest.expiresAt);
  const last = Math.max(world.clock.now(), ...ends);
  await world.advance(last - world.clock.now() + 1, true);
  await workFor(play, 3_000, 1_000);
  const left = await whatWaits(world.database, 0);
  demand(left.sessions === 0, () => `INV-14 ${left.sessions} sessions outlive their time`);
  await checkEverythingReturned(world);
  await publishAll(play);
  checkAnnounced(world);
}
