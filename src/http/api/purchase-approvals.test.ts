import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSpringfield, type Springfield } from '../testing/springfield.ts';

let s: Springfield;
beforeAll(async () => {
  s = await createSpringfield();
});
afterAll(() => s.close());

const URL = '/v1/purchase-approvals';

it('one key asks, and a second one approves (SEC-19d)', async () => {
  const [asker, approver, reader] = [
    await s.createKey('acme', ['purchases:request', 'purchases:approve']),
    await s.createKey('acme', ['purchases:approve']),
    await s.createKey('acme', ['purchases:read']),
  ];
  const body = { providerAccount: 'simulator', purchases: 20, reason: 'A second city opens' };
  const asked = await s.ask(asker, 'POST', URL, body);
  expect([asked.statusCode, asked.json().state]).toEqual([201, 'asked']);
  const { id, requestedBy } = asked.json();
  expect((await s.ask(approver, 'POST', URL, body)).statusCode).toBe(403);
  const own = await s.ask(asker, 'POST', `${URL}/${id}/approve`);
  expect([own.statusCode, own.json().code]).toEqual([409, 'MASK_SECOND_PERSON_NEEDED']);
  const foreign = await s.ask(s.strangerKey, 'POST', `${URL}/${id}/approve`);
  expect([foreign.statusCode, foreign.json().code]).toEqual([404, 'MASK_NOT_FOUND']);
  expect((await s.ask(s.strangerKey, 'GET', URL)).json().data).toEqual([]);
  const approved = await s.ask(approver, 'POST', `${URL}/${id}/approve`);
  expect(approved.json()).toMatchObject({ id, state: 'approved', requestedBy, purchases: 20 });
  expect(approved.json().decidedBy).not.toBe(requestedBy);
  const again = await s.ask(approver, 'POST', `${URL}/${id}/decline`);
  expect([again.statusCode, again.json().code]).toEqual([409, 'MASK_APPROVAL_CLOSED']);
  expect((await s.ask(reader, 'GET', URL)).json().data).toEqual([approved.json()]);
});
