import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { findCall } from '../world/operator.ts';
import { TENANT } from '../world/replica.ts';
import { demand } from '../world/violation.ts';
import type { World } from '../world/world.ts';
import { readAnswer } from './asked.ts';

const calls = statement(
  'simulation_calls',
  'select provider_call_id as id, provider_account as account, state, decision, reason, termination from call where tenant = $1',
);

interface CallRow {
  readonly id: string;
  readonly account: string;
  readonly state: string;
  readonly decision: string;
  readonly reason: string;
  readonly termination: string | null;
}

/** INV-25, INV-32: every call that was connected has one record, and the record has an end. */
export async function checkCalls(world: World): Promise<void> {
  const rows = await world.database.run(systemScope, (connection) =>
    connection.query<CallRow>(calls, [TENANT]),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const asked of world.network.asked) {
    if (asked.kind !== 'call' || !readAnswer(asked.body).connected) continue;
    const row = byId.get(asked.id);
    demand(row, () => `INV-32 ${asked.id} was connected, and nothing is known of it`);
    demand(
      row.decision === 'bridge',
      () => `INV-32 ${asked.id} was connected, and is on record as ${row.reason}`,
    );
    world.reached.count('a connected call is on record');
  }
  for (const { exchange, account } of world.operators) {
    for (const row of rows.filter((one) => one.account === account)) {
      const call = findCall(exchange, row.id);
      if (!call?.bLeg || call.answeredAt === null) continue;
      demand(row.state === 'ended', () => `INV-25 ${row.id} was talked on, and its record is ${row.state}`);
      world.reached.count('a call was talked on and its record has ended');
      world.reached.count(`call ended: ${row.termination}`);
    }
  }
}
