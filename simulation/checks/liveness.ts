import { NO_FAULTS } from '../../simulator/exchange/faults.ts';
import type { Instant } from '../../src/lib/clock.ts';
import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';
import { NO_RATES } from '../world/fault-plan.ts';
import { setRule } from '../world/permission-actions.ts';
import type { Play } from '../world/play.ts';
import { TENANT } from '../world/replica.ts';
import { demand } from '../world/violation.ts';

const waiting = statement(
  'simulation_waiting',
  `select (select count(*)::int from outbox where occurred_at < $2) as outbox,
          (select count(*)::int from intent where tenant = $1 and state in ('planned', 'asked')) as intents,
          (select count(*)::int from call where tenant = $1 and state not in ('ended', 'refused')) as calls,
          (select count(*)::int from session where tenant = $1 and state <> 'closed') as sessions`,
);

const PUBLISHED_WITHIN_MS = 20_000;
/** What only tidies up is done in one round of so many. */
const TIDYING = new Set(['trimmer', 'spend-watch']);
const TIDIES_EVERY = 3;

export interface Waiting {
  readonly outbox: number;
  readonly intents: number;
  readonly calls: number;
  readonly sessions: number;
}

/** @param before only events that are older count as waiting to be published */
export async function whatWaits(database: Database, before: Instant): Promise<Waiting> {
  const values = [TENANT, new Date(before)];
  const rows = await database.run(systemScope, (connection) => connection.query<Waiting>(waiting, values));
  return rows[0] as Waiting;
}

/** All faults end: dead replicas start, stopped ones go on, clocks are set, operators behave. */
export async function heal(play: Play): Promise<void> {
  const { world } = play;
  world.trace.say('everything heals');
  world.reached.count('everything healed');
  world.weather.rates = NO_RATES;
  world.weather.databaseDown = false;
  world.weather.databaseFull = false;
  world.weather.busDown = false;
  world.scheduler.gating = 0;
  for (const operator of world.operators) operator.exchange.faults.replace(NO_FAULTS);
  for (const [index, { life }] of world.replicas.entries()) {
    if (life.paused) life.resume();
    if (!life.alive) world.restart(index);
    else life.clock.skewMs = 0;
  }
  for (const replica of world.replicas) replica.life.clock.skewMs = 0;
  world.orderTopic.rebalance(world.replicas);
  for (const { operator, callId } of play.ringing.splice(0)) operator.exchange.calls.hangUp(callId, 'caller');
  if (world.permissions.rules.at(-1)?.allows === false) {
    const [replica] = world.replicas;
    if (replica) setRule(world, replica, true);
  }
  await world.scheduler.drain();
}

/** Lets the product do its work for so long, looking as often as `everyMs`. */
export async function workFor(play: Play, ms: number, everyMs: number): Promise<void> {
  const { world } = play;
  for (let passed = 0; passed < ms; passed += everyMs) {
    world.poll();
    // In turns, so that whoever holds a lease, for ten seconds at most, has every second round.
    const round = passed / everyMs;
    const replica = world.replicas[round % world.replicas.length];
    for (const { name } of replica?.jobs ?? [])
      if (replica && (!TIDYING.has(name) || round % TIDIES_EVERY === 0)) world.runJob(replica, name);
    await world.scheduler.drain();
    await world.advance(everyMs, true);
    await world.observe();
  }
}

/** INV-50 to INV-54: within bounded time after everything has healed, nothing waits that need not. */
export async function checkLiveness(play: Play): Promise<void> {
  const { world } = play;
  await workFor(play, 5_000, 1_000);
  await workFor(play, 55_000, 5_000);
  const soon = await whatWaits(world.database, world.clock.now() - PUBLISHED_WITHIN_MS);
  demand(world.orderTopic.lag() === 0, () => `INV-50 ${world.orderTopic.lag()} order events wait after 60 s`);
  demand(soon.outbox === 0, () => `INV-51 ${soon.outbox} events wait to be published after 60 s`);
  demand(world.inFlight === 0, () => `INV-54 ${world.inFlight} pieces of work never end`);
  await workFor(play, 14 * 60_000, 105_000);
  // What has come back since the last round is given to whoever waits.
  await workFor(play, 2_000, 1_000);
  const later = await whatWaits(world.database, world.clock.now() - PUBLISHED_WITHIN_MS);
  demand(
    later.intents === 0,
    () => `INV-52 ${later.intents} purchases or returns are not settled after 15 min`,
  );
  demand(later.calls === 0, () => `INV-25 ${later.calls} calls have no end after 15 min`);
}

/** Publishes what the last round has committed, so that what was announced can be compared with what is there. */
export async function publishAll(play: Play): Promise<void> {
  const { world } = play;
  for (let second = 0; second < 12; second++) {
    for (const replica of world.replicas) world.runJob(replica, 'outbox-publisher');
    await world.scheduler.drain();
    if ((await whatWaits(world.database, world.clock.now() + 1)).outbox === 0) return;
    await world.advance(1_000, true);
  }
}
