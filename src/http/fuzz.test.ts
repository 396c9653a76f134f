import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from './api/operations.ts';
import { fuzzRuns } from '../lib/testing/fuzz-runs.ts';
import type { Operation } from './operation.ts';
import { createRealApp, type RealApp } from './testing/real-app.ts';
import { createTestServer, type TestServer } from './testing/test-server.ts';

/** Requests for each operation: thousands in all, in a few seconds. */
const RUNS = fuzzRuns(150);
const LONG_MS = 540_000;
const CANARY_DIGITS = '2025550142';

let real: RealApp;
let key: string;
let sessionId: string;
let server: TestServer;

beforeAll(async () => {
  real = await createRealApp();
  key = await real.createKey();
  server = createTestServer(real.app);
  await server.ask(key, 'POST', '/v1/pools', { name: 'springfield' });
  await server.ask(key, 'POST', '/v1/virtual-numbers', {
    virtualNumber: '+12025550188',
    pool: 'springfield',
    providerAccount: 'simulator',
    capabilities: ['voice'],
  });
  const opened = await server.ask(key, 'POST', '/v1/sessions', {
    pool: 'springfield',
    reference: 'order-1',
    participants: ['+12025550101', '+12025550102'].map((realNumber) => ({ role: 'customer', realNumber })),
  });
  sessionId = opened.json().id;
});
afterAll(() => real.close());

const nasty = fc.constantFrom<unknown>(
  '',
  ' ',
  'springfield',
  '\u0000',
  '\ud800',
  '../..',
  "' or 1=1 --",
  '+12025550142',
  '+1 202 555 0142',
  '٣٤٥',
  '𝟘𝟙',
  'x'.repeat(1_000),
  -1,
  0,
  0.5,
  1e300,
  2 ** 53,
  null,
  true,
  [],
  {},
  [[]],
  ['+12025550142'],
  { toString: 1 },
);

/** Values that a schema would accept, more or less: one in forty is not what it should be. */
function anyOf(schema: unknown): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 40, arbitrary: acceptable(schema as JsonSchema) },
    { weight: 1, arbitrary: nasty },
  );
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly unknown[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

function acceptable(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(anyOf));
  if (schema.properties) {
    const fields = Object.entries(schema.properties).map(([name, field]) => [name, anyOf(field)]);
    const record: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(fields);
    return fc.record(record, { requiredKeys: [...(schema.required ?? [])] });
  }
  if (schema.items) {
    const size = { minLength: schema.minItems ?? 0, maxLength: 4 };
    return schema.uniqueItems
      ? fc.uniqueArray(anyOf(schema.items), { ...size, selector: (item) => JSON.stringify(item) })
      : fc.array(anyOf(schema.items), size);
  }
  if (schema.type === 'integer') {
    return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 9, 2 ** 31) });
  }
  if (schema.type === 'null') return fc.constant(null);
  if (schema.pattern !== undefined && !schema.pattern.includes('\\p')) {
    const drawn = fc.stringMatching(new RegExp(schema.pattern));
    const { examples = [] } = schema;
    // Two letters are seldom a country: what is given as an example gets beyond the schema.
    const matching =
      examples.length === 0
        ? drawn
        : fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...examples) }, { weight: 1, arbitrary: drawn });
    return /springfield/.test(JSON.stringify(schema))
      ? fc.oneof(fc.constant('springfield'), matching)
      : matching;
  }
  return fc.oneof(
    fc.constantFrom(
      'https://hooks.example.com/',
      'simulator',
      'US',
      '+12025550142',
      '+447700900456',
      '+13035550111',
    ),
    fc.string({ minLength: 1, maxLength: 32, unit: 'binary' }),
  );
}

function urlOf(operation: Operation, segment: string): string {
  return operation.url.replace(/:[a-z0-9]+/, encodeURIComponent(segment));
}

describe('thousands of bodies that nobody would send', () => {
  test.each(OPERATIONS.filter((operation) => operation.method !== 'GET'))(
    'for $id',
    async (operation) => {
      const statuses = new Map<number, number>();
      await fc.assert(
        fc.asyncProperty(
          fc.oneof({ weight: 9, arbitrary: anyOf(operation.body) }, { weight: 1, arbitrary: fc.jsonValue() }),
          fc.constantFrom('springfield', sessionId, '+12025550188', '\u0000', 'ü', '..'),
          async (body, segment) => {
            const answer = await server.ask(key, operation.method, urlOf(operation, segment), body ?? null);
            statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
            expect(answer.statusCode).toBeLessThan(500);
            if (answer.statusCode >= 400) {
              expect(answer.json()).toMatchObject({ code: expect.stringMatching(/^MASK_/) });
              expect(answer.body).not.toContain(CANARY_DIGITS);
              expect(answer.body).not.toMatch(/select |insert |node_modules|\.ts:| {4}at /);
            }
          },
        ),
        RUNS,
      );
      // Proof that the bodies are not all refused at the door.
      expect([...statuses.keys()].some((status) => status !== 400)).toBe(true);
    },
    LONG_MS,
  );

  test.each(OPERATIONS.filter((operation) => operation.method === 'GET'))(
    'and queries, for $id',
    async (operation) => {
      const names = fc.constantFrom(
        'limit',
        'cursor',
        'reference',
        'session',
        'pool',
        'state',
        '__proto__',
        'x',
      );
      const values = fc.constantFrom(
        '1',
        '200',
        '201',
        '',
        '%00',
        '%ed%a0%80',
        '%F0%9F%9A%80',
        '+12025550142',
        '%zz',
        'open',
        '[]',
      );
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 4 }), async (pairs) => {
          const query = pairs.map(([name, value]) => `${name}=${value}`).join('&');
          const answer = await server.ask(key, 'GET', `${urlOf(operation, 'springfield')}?${query}`);
          expect(answer.statusCode).toBeLessThan(500);
          if (answer.statusCode >= 400) expect(answer.body).not.toContain(CANARY_DIGITS);
        }),
        RUNS,
      );
    },
    LONG_MS,
  );

  test('leave no error and no number in the log', () => {
    const log = real.logLines.join('');
    expect(real.logLines.length).toBeGreaterThan(2_000);
    expect(log).not.toContain('"level":"error"');
    expect(log).not.toContain(CANARY_DIGITS);
  });
});
