import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../lib/random.ts';
import { OPERATIONS } from './api/operations.ts';
import type { Operation } from './operation.ts';
import { ACCOUNT } from './testing/real-app.ts';
import { createSpringfield, type Springfield } from './testing/springfield.ts';

/** SEC-22. In CI a short form; MASKLINE_FUZZ_REQUESTS=50000 is the long one. */
const REQUESTS = Number(process.env.MASKLINE_FUZZ_REQUESTS ?? '1500');

/** Words that stand in rows of tenant `acme` and nowhere else. */
const MARK = 'ofacmeonly';
let s: Springfield;
/** what belongs to acme, by the name of the parameter or field that could ask for it */
let theirs: Readonly<Record<string, string>>;

beforeAll(async () => {
  s = await createSpringfield();
  const { ask, key } = s;
  await ask(key, 'POST', '/v1/pools', { name: MARK });
  await ask(key, 'POST', '/v1/virtual-numbers', {
    virtualNumber: '+16175550150',
    pool: MARK,
    providerAccount: ACCOUNT.name,
    capabilities: ['voice'],
  });
  const session = await s.open({
    reference: `${MARK}-order`,
    participants: [
      { role: 'customer', userId: `${MARK}-user`, realNumber: '+12125550199' },
      { role: 'driver', realNumber: '+12125550198' },
    ],
  });
  const [customer] = session.participants;
  const question = {
    callingNumber: '+12025550101',
    calledNumber: customer.virtualNumber,
    callId: `${MARK}-call`,
  };
  await ask(key, 'POST', '/v1/route-decisions', question);
  const call = (await ask(key, 'GET', '/v1/calls')).json().data[0];
  const hook = (
    await ask(key, 'POST', '/v1/webhooks', {
      url: `https://${MARK}.example.com/`,
      eventTypes: ['session.opened'],
    })
  ).json();
  theirs = {
    session: session.id,
    participant: customer.id,
    call: call.id,
    webhook: hook.id,
    e164: customer.virtualNumber,
    idle: '+16175550150',
    pool: MARK,
    reference: `${MARK}-order`,
    callId: `${MARK}-call`,
    userId: `${MARK}-user`,
  };
});
afterAll(() => s.close());

const random = seededRandom(20_261_122);
const pick = <T>(of: readonly T[]): T => of[Math.floor(random.next() * of.length)] as T;

/** A path, query and body that ask for what is acme's, or for something like it that is nobody's. */
function requestFor(operation: Operation, subjects: readonly string[]): { url: string; body: unknown } {
  const path = operation.url.replace(/:[a-z0-9]+/g, () => encodeURIComponent(pick(subjects)));
  if (operation.method === 'GET') {
    const names = Object.keys((operation.query as { properties?: object }).properties ?? {});
    const query = names
      .filter((name) => !['limit', 'cursor'].includes(name) && random.next() < 0.7)
      .map((name) => `${name}=${encodeURIComponent(String(wordFor(name, subjects, false)))}`);
    return { url: `${path}?${query.join('&')}`, body: undefined };
  }
  const fields = Object.keys((operation.body as { properties?: object }).properties ?? {});
  const body = Object.fromEntries(
    fields.filter(() => random.next() < 0.8).map((name) => [name, wordFor(name, subjects, true)]),
  );
  const example = (operation.body as { examples?: readonly object[] }).examples?.[0] ?? {};
  return { url: path, body: random.next() < 0.5 ? { ...example, ...pickSome(body) } : body };
}

function pickSome(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(() => random.next() < 0.4));
}

/** The stranger's own words where words are free, and acme's ids where something is asked for by its name. */
function wordFor(name: string, subjects: readonly string[], isFree: boolean): unknown {
  switch (name) {
    case 'at':
      return '2026-01-01T00:00:00Z';
    case 'reason':
      return 'completed';
    case 'state':
      return pick(['in_service', 'suspended', 'disabled']);
    case 'reference':
    case 'callId':
    case 'providerAccount':
    case 'userId':
      return isFree ? 'own-user' : pick(subjects);
    case 'name':
      return isFree ? `own-${Math.floor(random.next() * 1_000)}` : pick(subjects);
    case 'virtualNumber':
      return '+17185550150';
    case 'url':
      return 'https://own.example.com/';
    case 'participants':
      return [
        { role: 'customer', realNumber: '+13125550101' },
        { role: 'driver', userId: 'own', realNumber: '+13125550102' },
      ];
    default:
      return pick(subjects);
  }
}

/** The answer without what differs from one request to the next. */
function comparable(body: string): string {
  return body.replace(/"instance":"[^"]*",?/g, '');
}

describe('a second tenant with every scope', () => {
  test(`learns nothing of the first and changes nothing in ${REQUESTS} requests`, {
    timeout: 3_600_000,
  }, async () => {
    const subjects = Object.values(theirs);
    const before = await everythingOf('acme');
    const statuses = new Map<number, number>();
    for (let i = 0; i < REQUESTS; i++) {
      const operation = pick(OPERATIONS);
      const { url, body } = requestFor(operation, subjects);
      const answer = await s.ask(s.strangerKey, operation.method, url, body);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      expect(answer.statusCode, `${operation.id} ${answer.body}`).toBeLessThan(500);
      // What the stranger sent may come back; what only acme's rows say may not.
      const sent = `${decodeURIComponent(url)} ${JSON.stringify(body)}`;
      for (const subject of subjects) {
        const told = answer.body.includes(subject) && !sent.includes(subject);
        expect([operation.id, subject, told]).toEqual([operation.id, subject, false]);
      }
      expect(answer.body).not.toMatch(/••••••019[789]/);
    }
    expect([...statuses.keys()].some((status) => status < 300)).toBe(true);
    expect(await everythingOf('acme')).toEqual(before);
  });

  test('is told the same of what is the other’s and of what is nobody’s', async () => {
    const nobodys: Readonly<Record<string, string>> = {
      session: 'ses_0000000000000000000000nothing0',
      participant: 'par_0000000000000000000000nothing0',
      call: 'cal_0000000000000000000000nothing0',
      webhook: 'whk_0000000000000000000000nothing0',
      e164: '+16175550199',
      idle: '+16175550198',
      pool: 'nothinghere',
    };
    for (const operation of OPERATIONS.filter(({ url }) => url.includes(':'))) {
      for (const kind of Object.keys(nobodys)) {
        const ask = (subject: string) => {
          const url = operation.url.replace(/:[a-z0-9]+/, encodeURIComponent(subject));
          const query =
            operation.id === 'listHolders' ? '?at=2026-01-01T00:00:00Z&reason=a%20good%20reason' : '';
          const example = (operation.body as { examples?: readonly object[] }).examples?.[0];
          const hasBody = operation.method === 'POST' || operation.method === 'PATCH';
          const body = hasBody ? (example ?? {}) : undefined;
          return s.ask(s.strangerKey, operation.method, `${url}${query}`, body);
        };
        const [other, nobody] = [await ask(theirs[kind] ?? ''), await ask(nobodys[kind] ?? '')];
        expect([operation.id, kind, other.statusCode, comparable(other.body)]).toEqual([
          operation.id,
          kind,
          404,
          comparable(nobody.body),
        ]);
      }
    }
  });
});

/** What the first tenant can read of itself: if a stranger changed anything, it shows here. */
async function everythingOf(tenant: string): Promise<unknown> {
  const key = tenant === 'acme' ? s.key : s.strangerKey;
  const lists = ['pools', 'virtual-numbers', 'sessions', 'calls', 'messages', 'webhooks'];
  const pages = await Promise.all(lists.map((list) => s.ask(key, 'GET', `/v1/${list}?limit=200`)));
  return pages.map((page) => page.json());
}
