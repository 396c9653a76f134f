import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { closeSession } from '../../app/close-session.ts';
import { CUSTOMER } from '../testing/springfield.ts';
import { createWebhookTown, NEUTRAL, PATH, type WebhookTown } from '../testing/webhook-town.ts';

const STRANGER = '+12025550199';

let s: WebhookTown;
beforeAll(async () => {
  s = await createWebhookTown();
});
afterAll(() => s.close());
beforeEach(() => s.renewProvider());

it('answers six callers who may not pass with the same bytes, so that a scan learns nothing (SEC-12)', async () => {
  const { app } = s;
  const rested = await s.open();
  await closeSession(app, { tenant: 'acme', sessionId: rested.id, reason: 'completed' });
  const over = await s.open();
  await closeSession(app, { tenant: 'acme', sessionId: over.id, reason: 'cancelled' });
  const others = await s.open({
    participants: [
      { role: 'customer', realNumber: '+447700900111' },
      { role: 'driver', realNumber: '+447700900112' },
    ],
  });
  const cases = {
    'an unknown caller on a live number': { from: STRANGER, to: s.shown.driver },
    'an idle number': { from: STRANGER, to: '+14045550199' },
    'a participant on the number of other people': {
      from: CUSTOMER,
      to: others.participants[1].virtualNumber,
    },
    'a number that rests': { from: STRANGER, to: rested.participants[1].virtualNumber },
    'a number of an order that is over': { from: STRANGER, to: over.participants[0].virtualNumber },
    'a number that is none of ours': { from: STRANGER, to: '+12125550100' },
  };
  const answers = new Map<string, string>();
  for (const [name, body] of Object.entries(cases)) {
    const answer = await s.deliver(`${PATH}/answer`, { id: `six ${name}`, ...body });
    const { 'x-request-id': _id, date: _date, ...headers } = answer.headers;
    answers.set(name, JSON.stringify([answer.statusCode, headers, answer.body]));
  }
  expect(answers.size).toBe(6);
  expect(new Set(answers.values()).size).toBe(1);
  expect([...answers.values()][0]).toContain(JSON.stringify(JSON.stringify(NEUTRAL)).slice(1, -1));
});
