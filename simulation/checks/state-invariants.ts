import type { Instant } from '../../src/lib/clock.ts';
import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';
import { QUESTIONS } from '../../test/property/invariants.ts';
import { TENANT } from '../world/replica.ts';
import { Violation } from '../world/violation.ts';

/** Beyond those of the property tests; in the same form: a row is a violation, `$1` the tenant, `$2` the time. */
const MORE: Readonly<Record<string, string>> = {
  'INV-14 a route lives as long as its session': `
    select r.virtual_number from route r join session s on s.tenant = r.tenant and s.id = r.session_id
     where r.tenant = $1 and s.state = 'open' and r.resting_until is null and r.live_until <> s.expires_at`,
  'INV-18 a closed session has let go of everything': `
    select s.id from session s join participant p on p.tenant = s.tenant and p.session_id = s.id
     where s.tenant = $1 and s.state = 'closed' and p.virtual_number is not null and p.released_at is null`,
  'INV-25 a call that ended says when and how': `
    select c.id from call c
     where c.tenant = $1 and (c.state = 'ended') <> (c.termination is not null and c.ended_at is not null)`,
  'INV-33 a number that is here has no purchase under way': `
    select v.virtual_number from virtual_number v
      join intent i on i.tenant = v.tenant and i.virtual_number = v.virtual_number
     where v.tenant = $1 and i.kind = 'provision' and i.state in ('planned', 'asked')
       and v.state <> 'decommissioned' and v.created_at > i.created_at
       and not exists (select 1 from intent d where d.tenant = i.tenant and d.virtual_number = i.virtual_number
                          and d.state = 'done')`,
  'INV-35 no more is bought than the pool may have': `
    select m.name from pool m join virtual_number v on v.tenant = m.tenant and v.pool = m.name
     where m.tenant = $1 and v.state <> 'decommissioned' and not v.imported
     group by m.name, m.stock_max having count(*) > m.stock_max`,
};

export const STATE_INVARIANTS = Object.keys({ ...QUESTIONS, ...MORE });

const question = statement(
  'simulation_state_invariants',
  Object.entries({ ...QUESTIONS, ...MORE })
    .map(
      ([name, text]) =>
        `(select '${name.replaceAll("'", "''")}' as violated, q::text as row from (${text}) q limit 3)`,
    )
    .join('\nunion all\n'),
);

/** All of them in one statement, because it is asked after every step. @throws Violation */
export async function checkState(database: Database, now: Instant): Promise<void> {
  const rows = await database.run(systemScope, (connection) =>
    connection.query<{ violated: string; row: string }>(question, [TENANT, new Date(now)]),
  );
  const [first] = rows;
  if (first) throw new Violation(`${first.violated}: ${rows.map((one) => one.row).join(' ')}`);
}
