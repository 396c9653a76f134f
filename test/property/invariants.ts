import { type Database, statement, systemScope } from '../../src/storage/sql/connection.ts';

/**
 * The state invariants, each as a question that must have no answer: a row is a violation. `$1` is the tenant,
 * `$2` the time. They look at the tables, not at the use cases.
 */
export const QUESTIONS: Readonly<Record<string, string>> = {
  'INV-01 no two live routes share number and caller': `
    select virtual_number from route where tenant = $1 and live_until > $2
     group by virtual_number, caller_key having count(*) > 1`,
  'INV-02 an exclusive number stands for one person at a time': `
    select virtual_number from participant where tenant = $1 and exclusive and released_at is null
     group by virtual_number having count(*) > 1`,
  'INV-02 an exclusive number is in no other session’s live route': `
    select r.virtual_number from participant p join route r using (tenant, virtual_number)
     where p.tenant = $1 and p.exclusive and p.released_at is null and r.session_id <> p.session_id and r.live_until > $2`,
  'INV-03 an open session has a route for each ordered pair': `
    select s.id from session s
      join lateral (select count(*) as people from participant p where p.tenant = s.tenant and p.session_id = s.id) p on true
      join lateral (select count(*) as routes from route r
                     where r.tenant = s.tenant and r.session_id = s.id and r.resting_until is null) r on true
     where s.tenant = $1 and s.state = 'open' and r.routes <> p.people * (p.people - 1)`,
  'INV-03 what a route shows is what the callee dials to call back': `
    select r.virtual_number from route r where r.tenant = $1 and r.resting_until is null and not exists (
      select 1 from route back where back.tenant = r.tenant and back.session_id = r.session_id
         and back.virtual_number = r.caller_id and back.calling_participant = r.called_participant
         and back.called_participant = r.calling_participant and back.caller_id = r.virtual_number)`,
  'INV-04 an order has one live session, of its highest assignment': `
    select s.reference from session s join reference o using (tenant, reference)
     where s.tenant = $1 and s.state <> 'closed'
       and (s.assignment <> o.highest_assignment or o.ended_at is not null
            or (select count(*) from session t where t.tenant = s.tenant and t.reference = s.reference and t.state <> 'closed') > 1)`,
  'INV-05 a live route runs over numbers that we hold, at one account': `
    select r.virtual_number from route r
      left join virtual_number v on v.tenant = r.tenant and v.virtual_number = r.virtual_number
      left join virtual_number c on c.tenant = r.tenant and c.virtual_number = r.caller_id
     where r.tenant = $1 and r.live_until > $2 and r.resting_until is null
       and (v.state is null or c.state is null or v.state = 'decommissioned' or c.state = 'decommissioned'
            or v.provider_account <> c.provider_account)`,
  'INV-06 what a person dials in live sessions is all different': `
    select p.caller_key from participant p
      join session s on s.tenant = p.tenant and s.id = p.session_id and s.state = 'open'
      join participant other on other.tenant = p.tenant and other.session_id = p.session_id and other.id <> p.id
     where p.tenant = $1 group by p.caller_key having count(other.virtual_number) <> count(distinct other.virtual_number)`,
  'INV-07 a dedicated number is allocated exactly while it stands for somebody': `
    select v.virtual_number from virtual_number v join pool m on m.tenant = v.tenant and m.name = v.pool
     where v.tenant = $1 and m.mode = 'dedicated' and (v.idle_at is null) <> exists (
       select 1 from participant p where p.tenant = v.tenant and p.virtual_number = v.virtual_number
          and p.exclusive and p.released_at is null)`,
  'a closed session routes on grace alone': `
    select r.virtual_number from route r join session s on s.tenant = r.tenant and s.id = r.session_id
     where r.tenant = $1 and s.state = 'closed' and s.closed_reason <> 'completed' and r.live_until > s.closed_at`,
  'nothing is left of what is gone, where no foreign key says so': `
    select 'participant' as orphan from participant p
      left join session s on s.tenant = p.tenant and s.id = p.session_id
     where p.tenant = $1 and s.id is null
    union all
    select 'number' from participant p
      left join virtual_number v on v.tenant = p.tenant and v.virtual_number = p.virtual_number
     where p.tenant = $1 and p.virtual_number is not null and v.virtual_number is null
    union all
    select 'key' from participant_key k
      left join participant p on p.tenant = k.tenant and p.session_id = k.session_id and p.id = k.participant_id
     where k.tenant = $1 and p.id is null
    union all
    select 'session' from session s
      left join reference o on o.tenant = s.tenant and o.reference = s.reference
      left join pool m on m.tenant = s.tenant and m.name = s.pool
     where s.tenant = $1 and (o.reference is null or m.name is null)
    union all
    select 'route' from route r
      left join virtual_number v on v.tenant = r.tenant and v.virtual_number = r.virtual_number
      left join virtual_number c on c.tenant = r.tenant and c.virtual_number = r.caller_id
     where r.tenant = $1 and (v.virtual_number is null or c.virtual_number is null)
    union all
    select 'tenant' from (select tenant from inbox union select tenant from outbox union select tenant from reference) t
     where t.tenant = $1 and not exists (select 1 from tenant known where known.tenant = t.tenant)`,
  'a pending session holds nothing': `
    select s.id from session s join route r on r.tenant = s.tenant and r.session_id = s.id
     where s.tenant = $1 and s.state = 'pending' and r.resting_until is null`,
};

export const INVARIANTS = Object.keys(QUESTIONS);

const statements = Object.entries(QUESTIONS).map(
  ([name, text], i) => [name, statement(`invariant_${i}`, text)] as const,
);

/** @throws Error that names the first invariant that is violated */
export async function checkInvariants(database: Database, tenant: string, now: number): Promise<void> {
  await database.run(systemScope, async (connection) => {
    for (const [name, question] of statements) {
      const needsTime = question.text.includes('$2');
      const rows = await connection.query(question, needsTime ? [tenant, new Date(now)] : [tenant]);
      if (rows.length > 0) throw new Error(`Violated: ${name}: ${JSON.stringify(rows.slice(0, 3))}`);
    }
  });
}
