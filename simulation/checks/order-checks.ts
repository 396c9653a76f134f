import { decodeCloudEvent } from '../../src/bus/cloud-events.ts';
import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';
import type { Meant } from '../world/order-book.ts';
import type { Play } from '../world/play.ts';
import { TENANT, TOPICS } from '../world/replica.ts';
import { demand } from '../world/violation.ts';

const references = statement(
  'simulation_references',
  'select reference, highest_assignment, ended_reason from reference where tenant = $1',
);
const sessions = statement(
  'simulation_session_keys',
  'select reference, assignment, state, closed_reason from session where tenant = $1',
);

interface Canonical {
  highest: number | null;
  ended: string | null;
  readonly sessions: Set<number>;
}

/**
 * INV-10, INV-11, INV-12, INV-17, INV-19: whatever was repeated, retried and interrupted, the orders are where the
 * events, taken once and in the order of their keys, have put them.
 */
export async function checkOrders(play: Play): Promise<void> {
  const { world } = play;
  const expected = fold(play);
  const [known, made] = await world.database.run(systemScope, async (connection) => [
    await connection.query<{
      reference: string;
      highest_assignment: number | null;
      ended_reason: string | null;
    }>(references, [TENANT]),
    await connection.query<{ reference: string; assignment: number; state: string; closed_reason: string }>(
      sessions,
      [TENANT],
    ),
  ]);
  for (const [order, canonical] of expected) {
    const row = known.find((one) => one.reference === order);
    const highest = row?.highest_assignment ?? null;
    const ended = row?.ended_reason ?? null;
    demand(
      ended === canonical.ended,
      () => `INV-12 ${order} ended as ${ended}, and its events say ${canonical.ended}`,
    );
    demand(
      highest === canonical.highest,
      () => `INV-19 ${order} is at assignment ${highest}, and its events say ${canonical.highest}`,
    );
    const own = made.filter((one) => one.reference === order);
    const missing = [...canonical.sessions].filter((a) => !own.some((one) => one.assignment === a));
    demand(missing.length === 0, () => `INV-10 assignment ${missing} of ${order} came to nothing`);
    const extra = own.filter((one) => !canonical.sessions.has(one.assignment));
    demand(
      extra.length === 0,
      () => `INV-12 assignment ${extra.map((one) => one.assignment)} of ${order} should have no session`,
    );
    const live = own.filter((one) => one.state !== 'closed');
    demand(
      canonical.ended === null || live.length === 0,
      () => `INV-18 ${order} has ended and its session lives`,
    );
    demand(
      live.every((one) => one.assignment === canonical.highest),
      () => `INV-04 an old assignment of ${order} lives`,
    );
  }
}

function mayBeRefused({ world: { permissions } }: Play, meant: Meant): boolean {
  if (meant.kind !== 'assigned') return false;
  return (
    permissions.rules.some((rule) => !rule.allows) ||
    meant.people.some((person) => permissions.mayBeBlocked(person))
  );
}

function fold(play: Play): Map<string, Canonical> {
  const { world, book } = play;
  const dead = new Map(
    world.bus
      .all(TOPICS.deadLetter)
      .map(({ headers: h }) => [`${h.original_partition}/${h.original_offset}`, h.reason ?? '']),
  );
  const orders = new Map<string, Canonical>();
  const unsettled = new Set<string>();
  for (const message of world.bus.all(TOPICS.orders)) {
    const decoded = decodeCloudEvent(message);
    const meant = decoded.ok ? book.meant.get(decoded.event.id) : undefined;
    if (!meant) continue;
    const reason = dead.get(`${message.partition}/${message.offset}`);
    const isDead = reason !== undefined;
    if (isDead && mayBeRefused(play, meant)) {
      // Who is blocked, or outside of the rule of the pool for a while, takes part in nothing; and a replica that read
      // the same batch before may have applied it.
      world.reached.count('a dead letter because somebody is kept away');
      unsettled.add(meant.order);
      continue;
    }
    if (reason === 'profile_unavailable') {
      // A refusal that is reported: the directory was away for too long. Another replica that read the same
      // batch may have applied it all the same, so that this order could be in either place.
      world.reached.count('a dead letter because of the Profile directory');
      unsettled.add(meant.order);
      continue;
    }
    demand(
      isDead === (meant.kind === 'poison'),
      () =>
        `INV-17 ${meant.order} ${meant.kind} ${isDead ? `became a dead letter: ${reason}` : 'is no dead letter'}`,
    );
    if (isDead) world.reached.count('a dead letter');
    const order = orders.get(meant.order) ?? { highest: null, ended: null, sessions: new Set() };
    orders.set(meant.order, order);
    if (meant.kind === 'completed' || meant.kind === 'cancelled') {
      if (!orders.get(meant.order)?.highest) world.reached.count('ended before any assignment');
      order.ended ??= meant.kind;
    }
    if (meant.kind !== 'assigned') continue;
    if (order.ended !== null) world.reached.count('assigned after its end');
    else if (order.highest !== null && meant.assignment <= order.highest) world.reached.count('superseded');
    else {
      order.highest = meant.assignment;
      order.sessions.add(meant.assignment);
    }
  }
  for (const order of unsettled) orders.delete(order);
  return orders;
}

const everything = statement(
  'simulation_everything',
  `select (select md5(string_agg(s::text, '' order by s.id)) from session s where tenant = $1) as sessions,
          (select md5(string_agg(r::text, '' order by r.virtual_number, r.caller_key)) from route r where tenant = $1) as routes,
          (select md5(string_agg(o::text, '' order by o.reference)) from reference o where tenant = $1) as orders,
          (select count(*)::int from intent where tenant = $1) as intents,
          (select count(*)::int from call where tenant = $1) as calls`,
);

/** For INV-13: what reading the whole topic again must not change. */
export async function fingerprint(database: Database): Promise<string> {
  return JSON.stringify(
    await database.run(systemScope, (connection) => connection.query(everything, [TENANT])),
  );
}
