/**
 * The upsert that counts a call against the limits of its caller, as a CTE: `allowed`, and `seconds_left` of talk.
 * The row of the caller is locked by the upsert, which reads its latest version: of calls that come at one moment each
 * sees those before it. Refused attempts count too. Less than 10 s of talk is none. Two calls of one caller must not
 * be in one batch: an upsert may not touch a row twice.
 */
export function countCall(p: {
  readonly session: string;
  readonly participant: string;
  /** text, `account|call id`: what is counted as a call under way */
  readonly running: string;
  readonly startedAt: string;
  readonly hourAgo: string;
  /** milliseconds */
  readonly heldUntil: string;
  readonly concurrentMax: string;
  readonly hourlyMax: string;
  readonly talkMax: string;
  /** when it is counted at all */
  readonly where: string;
}): string {
  const nowMs = `(extract(epoch from ${p.startedAt}::timestamptz) * 1000)::bigint`;
  return `insert into session_usage as u (tenant, session_id, participant_id, attempted_at, running)
     select $1, ${p.session}, ${p.participant}, array[${p.startedAt}::timestamptz],
            jsonb_build_object(${p.running}, ${p.heldUntil}::bigint)
      where ${p.where}
     on conflict (tenant, session_id, participant_id) do update set
       attempted_at = case when u.running ? (${p.running}) then u.attempted_at
         else (u.attempted_at || excluded.attempted_at)[greatest(1, cardinality(u.attempted_at) + 2 - ${p.hourlyMax}::int):]
         end,
       running = (select coalesce(jsonb_object_agg(r.key, r.value), '{}') from jsonb_each(u.running) r
                   where r.value::bigint > ${nowMs})
         || case when (cardinality(u.attempted_at) < ${p.hourlyMax}::int
                         or u.attempted_at[cardinality(u.attempted_at) + 1 - ${p.hourlyMax}::int] <= ${p.hourAgo}::timestamptz)
                  and u.talked_seconds + 10 <= ${p.talkMax}::int
                  and (select count(*) from jsonb_each(u.running) r where r.value::bigint > ${nowMs})
                        < ${p.concurrentMax}::int
                 then excluded.running else '{}' end
     returning running ? (${p.running}) as allowed, greatest(0, ${p.talkMax}::int - talked_seconds) as seconds_left`;
}
