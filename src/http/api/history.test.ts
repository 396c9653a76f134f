import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyAudit } from '../../app/audit.ts';
import { createSpringfield, DRIVER, type Springfield } from '../testing/springfield.ts';

const REASON = 'Court order 4711/26 of 1 March 2026';
let s: Springfield;
beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());

const at = (instant: number) => new Date(instant).toISOString();
const holdersUrl = (e164: string, moment: string, reason = REASON) =>
  `/v1/virtual-numbers/${encodeURIComponent(e164)}/holders?at=${moment}&reason=${encodeURIComponent(reason)}`;

async function audited(action: string): Promise<{ actor: string; subject: string; details: unknown }[]> {
  const rows = await s.app.storage.run('acme', ({ audit }) => audit.list(0, 10_000));
  return rows.filter((row) => row.action === action);
}

describe('who stood behind a number', () => {
  test('is told for the moment that was asked about, roles and user ids, numbers masked', async () => {
    const before = at(s.clock.now() - 1);
    const session = await s.open();
    const [customer] = session.participants;
    const during = at(s.clock.now() + 1_000);
    s.clock.advance(60_000);
    await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, { reason: 'cancelled' });
    const after = at(s.clock.now() + 1_000);
    const ask = async (moment: string) =>
      (await s.ask(s.key, 'GET', holdersUrl(customer.virtualNumber, moment))).json().data;
    expect(await ask(before)).toEqual([]);
    expect(await ask(during)).toMatchObject([
      {
        sessionId: session.id,
        role: 'customer',
        userId: 'user-17',
        realNumber: '+1••••••0123',
        standing: 'allocated',
      },
    ]);
    expect(await ask(after)).toEqual([]);
    expect(await audited('history.read')).toHaveLength(3);
    expect((await audited('history.read'))[1]).toMatchObject({
      subject: customer.virtualNumber,
      details: { reason: REASON, found: 1 },
    });
  });

  test('needs its own scope and a reason, and is not there for numbers that are not ours', async () => {
    const session = await s.open();
    const [customer] = session.participants;
    const now = at(s.clock.now());
    const reader = await s.createKey('acme', ['sessions:read', 'virtual_numbers:read', 'reveal']);
    const refused = await s.ask(reader, 'GET', holdersUrl(customer.virtualNumber, now));
    expect(refused.statusCode).toBe(403);
    for (const url of [
      holdersUrl(customer.virtualNumber, now).replace(/&reason.*/, ''),
      holdersUrl(customer.virtualNumber, now, 'short'),
      holdersUrl(customer.virtualNumber, 'yesterday'),
    ]) {
      expect((await s.ask(s.key, 'GET', url)).statusCode).toBe(400);
    }
    const known = (await audited('history.read')).length;
    expect((await s.ask(s.key, 'GET', holdersUrl('+12025550123', now))).statusCode).toBe(404);
    expect((await s.ask(s.strangerKey, 'GET', holdersUrl(customer.virtualNumber, now))).statusCode).toBe(404);
    expect(await audited('history.read')).toHaveLength(known);
  });
});

describe('revealing a number', () => {
  test('needs its scope and a reason, is audited, and stops after 20 in an hour', async () => {
    const session = await s.open();
    const [, driver] = session.participants;
    const url = `/v1/participants/${driver.id}/reveals`;
    expect(
      (await s.ask(await s.createKey('acme', ['history:read']), 'POST', url, { reason: REASON })).statusCode,
    ).toBe(403);
    expect((await s.ask(s.key, 'POST', url, {})).statusCode).toBe(400);
    expect((await s.ask(s.strangerKey, 'POST', url, { reason: REASON })).statusCode).toBe(404);
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => s.ask(s.key, 'POST', url, { reason: `${REASON}, ${DRIVER}` })),
    );
    const statuses = answers.map((answer) => answer.statusCode).sort();
    expect(statuses).toEqual([...Array(20).fill(201), ...Array(5).fill(429)]);
    expect(answers.find((answer) => answer.statusCode === 201)?.json()).toEqual({
      participantId: driver.id,
      realNumber: DRIVER,
    });
    // As many rows as reveals, and no number in any of them, though the reason held one.
    const rows = await audited('number.revealed');
    expect(rows).toHaveLength(20);
    expect(JSON.stringify(rows)).not.toContain(DRIVER.slice(1));
    expect(s.logLines.join('')).not.toContain(DRIVER.slice(1));
    s.clock.advance(3_600_001);
    expect((await s.ask(s.key, 'POST', url, { reason: REASON })).statusCode).toBe(201);
  });
});

test('changes through the API stand in the audit by their fields, and the chain is whole', async () => {
  const session = await s.open();
  const [customer] = session.participants;
  const change = { participant: { id: customer.id, realNumber: '+12025550177' } };
  const patched = await s.ask(s.key, 'PATCH', `/v1/sessions/${session.id}`, change);
  expect(patched.statusCode).toBe(200);
  await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, {});
  expect(await audited('pool.created')).toMatchObject([
    {
      subject: 'springfield',
      details: { fields: ['concurrentCallsMax', 'hourlyAttemptsMax', 'name'] },
    },
  ]);
  expect(await audited('session.changed')).toMatchObject([
    { subject: session.id, details: { fields: ['participant'] } },
  ]);
  expect((await audited('session.closed')).at(-1)).toMatchObject({ subject: session.id });
  expect(JSON.stringify(await s.app.storage.run('acme', ({ audit }) => audit.list(0, 1_000)))).not.toContain(
    '2025550177',
  );
  expect(await verifyAudit(s.app, 'acme')).toMatchObject({ broken: null });
});
