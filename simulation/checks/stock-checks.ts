import type { Instant } from '../../src/lib/clock.ts';
import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { SECOND } from '../world/people.ts';
import { POOL, TENANT } from '../world/replica.ts';
import { demand } from '../world/violation.ts';
import type { World } from '../world/world.ts';

const numbers = statement(
  'simulation_numbers',
  `select virtual_number as number, provider_account as account, state, idle_at, imported,
          withdrawn_at is not null as withdrawn
     from virtual_number where tenant = $1 and pool = $2 order by 1`,
);
const routes = statement(
  'simulation_routes',
  `select virtual_number as number, encode(caller_key, 'hex') as caller from route
    where tenant = $1 and (resting_until is null or resting_until > $2)`,
);
const pending = statement(
  'simulation_pending',
  `select s.id, encode(p.caller_key, 'hex') as caller from session s
     join participant p on p.tenant = s.tenant and p.session_id = s.id
    where s.tenant = $1 and s.state = 'pending' and s.expires_at > $2 order by s.id, p.place`,
);

interface NumberRow {
  readonly number: string;
  readonly account: string;
  readonly state: string;
  readonly idle_at: Instant | null;
  readonly withdrawn: boolean;
  readonly imported: boolean;
}

/** INV-53: what we hold is what the operators list. */
export async function checkInventory(world: World): Promise<void> {
  const rows = await numbersOf(world);
  for (const operator of world.operators) {
    const ours = rows.filter(
      (row) => row.account === operator.account && row.state !== 'decommissioned' && !row.withdrawn,
    );
    const here = ours.map((row) => row.number);
    const there = operator.heldNumbers();
    // What was imported stays with its owner when we give it up.
    const leftThere = rows.filter((row) => row.imported && row.state === 'decommissioned');
    const ownedElsewhere = new Set(leftThere.map((row) => row.number));
    const lost = there.filter((number) => !here.includes(number) && !ownedElsewhere.has(number));
    demand(lost.length === 0, () => `INV-33 paid for at ${operator.account} and unknown here: ${lost}`);
    const imagined = here.filter((number) => !there.includes(number));
    demand(
      imagined.length === 0,
      () => `INV-39 in service here and gone at ${operator.account}: ${imagined}`,
    );
  }
}

/** INV-08, INV-55: nobody waits while a legal choice exists. An oracle without any of the product's statements. */
export async function checkNobodyWaitsInVain(world: World): Promise<void> {
  const now = new Date(world.clock.now());
  const [all, held, waiting] = await world.database.run(systemScope, async (connection) => [
    await numbersOf(world),
    await connection.query<{ number: string; caller: string }>(routes, [TENANT, now]),
    await connection.query<{ id: string; caller: string }>(pending, [TENANT, now]),
  ]);
  const met = new Set(held.map(({ number, caller }) => `${number} ${caller}`));
  const { mode } = world.shape.pool;
  const free = all.filter(
    (row) =>
      row.state === 'in_service' &&
      !row.withdrawn &&
      (mode === 'shared' || (row.idle_at !== null && row.idle_at <= now.getTime())),
  );
  const people = new Map<string, string[]>();
  for (const { id, caller } of waiting) people.set(id, [...(people.get(id) ?? []), caller]);
  for (const [id, callers] of people) {
    world.reached.count('a session waits at the end');
    // With somebody whom the company has blocked it waits until its time is over.
    const members = world.observer.sessions.get(id)?.latest.members ?? [];
    if (members.some(({ phone }) => world.permissions.mayBeBlocked(phone % SECOND))) continue;
    // In a shared pool a number is out of the question only for what the other people of the session hold.
    const holds = held.filter(({ caller }) => callers.includes(caller)).length;
    for (const account of new Set(free.map((row) => row.account))) {
      const stock = free.filter((row) => row.account === account).length;
      demand(
        mode !== 'shared' || stock < holds + callers.length,
        () => `INV-09 ${id} waits although ${account} has ${stock} numbers and its people hold ${holds}`,
      );
      const candidates = callers.map((own) =>
        free
          .filter((row) => row.account === account)
          .map((row) => row.number)
          .filter((number) => callers.every((other) => other === own || !met.has(`${number} ${other}`))),
      );
      demand(
        !canChoose(candidates, new Set()),
        () => `INV-55 ${id} waits although ${account} has numbers for it`,
      );
    }
  }
}

/** INV-07 at rest: once every session is over, every dedicated number is idle or rests. */
export async function checkEverythingReturned(world: World): Promise<void> {
  if (world.shape.pool.mode !== 'dedicated') return;
  const stuck = (await numbersOf(world)).filter((row) => row.idle_at === null);
  world.reached.count('every number came back');
  demand(stuck.length === 0, () => `INV-52 allocated to nobody: ${stuck.map((row) => row.number)}`);
}

async function numbersOf(world: World): Promise<readonly NumberRow[]> {
  return world.database.run(systemScope, (connection) =>
    connection.query<NumberRow>(numbers, [TENANT, POOL]),
  );
}

function canChoose(candidates: readonly (readonly string[])[], taken: ReadonlySet<string>): boolean {
  const [own, ...others] = candidates;
  if (!own) return true;
  return own.some((number) => !taken.has(number) && canChoose(others, new Set([...taken, number])));
}
