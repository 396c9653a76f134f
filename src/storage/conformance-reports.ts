import { expect, it } from 'vitest';
import { applyLegStatus, type LegStatus } from '../domain/call.ts';
import { ACME, announcement, call, createTown, GLOBEX, HOUR, NOW, openOne } from './conformance-town.ts';
import type { CallLimits, CallReport } from './call-storage.ts';
import { type Database, statement, tenantScope } from './sql/connection.ts';
import type { Storage } from './storage.ts';

const SECOND = 1_000;
const LIMITS: CallLimits = {
  concurrentCallsMax: 5,
  hourlyAttemptsMax: 10,
  totalTalkSecondsMax: 3_600,
  heldUntil: NOW + HOUR,
};
const ANSWERED: LegStatus = { status: 'answered', at: NOW + 5 * SECOND };
const ENDED: Extract<LegStatus, { status: 'ended' }> = {
  status: 'ended',
  at: NOW + 65 * SECOND,
  termination: 'completed',
  durationSeconds: 60,
  nativeCause: 'bye',
};
const usageOf = statement('test_usage', 'select talked_seconds, running from session_usage');
const eventsOf = statement('test_call_events', 'select status from call_event order by occurred_at');

/** What every Storage must do with reports of calls, which are judged before they are written. */
export function exerciseReports(open: () => Promise<Database>): void {
  async function inTown() {
    const database = await open();
    const storage = await createTown(database);
    await openOne(storage);
    await storage.run(ACME, ({ calls }) => calls.insert(call('c1'), null, LIMITS));
    const rows = <Row>(query: typeof usageOf) =>
      database.run(tenantScope(ACME), (connection) => connection.query<Row>(query));
    return { storage, rows };
  }

  const reported = (storage: Storage, tenant = ACME) =>
    storage.run(tenant, ({ calls }) => calls.reported('operator', 'native-c1'), 'patient');
  const write = (storage: Storage, report: CallReport) =>
    storage.run(ACME, ({ calls }) => calls.report(report), 'patient');
  const judge = async (storage: Storage, legStatus: LegStatus, eventId: string): Promise<CallReport> => {
    const found = await reported(storage);
    const progress = found && applyLegStatus(found, legStatus);
    if (!progress) throw new Error('The report says nothing new.');
    return { call: found, progress, legStatus, receivedAt: NOW, announced: announcement(eventId) };
  };
  const announced = async (storage: Storage) =>
    (await storage.system.outboxOldest(9)).map(({ eventId }) => eventId);

  it('writes a report with its event, its announcement and what the caller has talked', async () => {
    const { storage, rows } = await inTown();
    expect(await write(storage, await judge(storage, ANSWERED, 'a1'))).toBe(true);
    const [answered] = await rows<{ running: Record<string, number> }>(usageOf);
    expect(answered?.running).toEqual({ 'operator|native-c1': NOW + 605 * SECOND });
    expect(await write(storage, await judge(storage, ENDED, 'a2'))).toBe(true);
    expect(await reported(storage)).toMatchObject({
      state: 'ended',
      answeredAt: NOW + 5 * SECOND,
      endedAt: NOW + 65 * SECOND,
      durationSeconds: 60,
      termination: 'completed',
      nativeCause: 'bye',
    });
    expect(await rows(usageOf)).toEqual([{ talked_seconds: 60, running: {} }]);
    expect(await rows(eventsOf)).toEqual([{ status: 'answered' }, { status: 'ended' }]);
    expect(await announced(storage)).toEqual(['a1', 'a2']);
  });

  it('writes one of several that were judged by the same call, and nothing of the others', async () => {
    const { storage, rows } = await inTown();
    const reports = await Promise.all(['a1', 'a2', 'a3'].map((id) => judge(storage, ENDED, id)));
    const written = await Promise.all(reports.map((report) => write(storage, report)));
    expect(written.filter(Boolean)).toHaveLength(1);
    expect(await announced(storage)).toEqual([`a${written.indexOf(true) + 1}`]);
    expect(await rows(usageOf)).toEqual([{ talked_seconds: 60, running: {} }]);
    expect(await rows(eventsOf)).toEqual([{ status: 'ended' }]);
  });

  it('counts the talk of a report that replaces an estimate once', async () => {
    const { storage, rows } = await inTown();
    const estimate: LegStatus = {
      ...ENDED,
      termination: 'unreported',
      durationSeconds: 600,
      nativeCause: null,
    };
    await write(storage, await judge(storage, estimate, 'a1'));
    expect(await write(storage, await judge(storage, ENDED, 'a2'))).toBe(true);
    expect(await rows(usageOf)).toEqual([{ talked_seconds: 60, running: {} }]);
  });

  it('writes nothing when the decision was taken back or the session closed since it was read', async () => {
    const { storage, rows } = await inTown();
    const early = await judge(storage, ANSWERED, 'a1');
    await storage.run(ACME, (s) => s.sessions.close('s1', NOW, 'completed'));
    expect(await write(storage, early)).toBe(false);
    expect(await reported(storage)).toMatchObject({ sessionClosed: true, state: 'decided' });
    await storage.run(ACME, ({ calls }) => calls.refuse('operator', 'native-c1', 'too_late', NOW));
    expect(await write(storage, early)).toBe(false);
    expect(await reported(storage)).toMatchObject({ state: 'refused', answeredAt: null });
    expect([await announced(storage), await rows(eventsOf)]).toEqual([[], []]);
  });

  it('finds no call of another tenant, nor one that follows the name that was asked for', async () => {
    const { storage } = await inTown();
    expect(await reported(storage, GLOBEX)).toBeNull();
    const of = (account: string, id: string) =>
      storage.run(ACME, ({ calls }) => calls.reported(account, id), 'patient');
    expect([await of('operator', 'native-c'), await of('another', 'native-c1')]).toEqual([null, null]);
  });
}
