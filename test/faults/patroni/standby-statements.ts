export interface StandbyStatements {
  /** the question where a call goes, asked of a standby */
  readonly ofTheRouter: number;
  /** any other statement of the service there; finding out that it is a standby takes a few */
  readonly others: number;
  readonly onPrimary: number;
}

/** Reads a server's log from its start, with `log_statement=all` and the application's name in `<…>`. */
export function statementsOnStandby(log: string): StandbyStatements {
  const counts = { ofTheRouter: 0, others: 0, onPrimary: 0 };
  let standby = false;
  for (const line of log.split('\n')) {
    if (line.includes('ready to accept read-only connections')) standby = true;
    else if (line.includes('received promote request') || line.includes('ready to accept connections'))
      standby = false;
    if (!/<maskline> LOG: {2}(?:statement|execute)/.test(line)) continue;
    if (!standby) counts.onPrimary++;
    else if (/execute [a-z]+:(?:route_|call_)/.test(line)) counts.ofTheRouter++;
    else counts.others++;
  }
  return counts;
}
