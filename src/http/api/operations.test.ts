import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../domain/errors.ts';
import { errorsOf } from '../openapi.ts';
import { createOpenApiDocument } from '../openapi-document.ts';
import type { Operation } from '../operation.ts';
import { ALL_SCOPES, SCOPES } from '../scopes.ts';
import { createFakeApp, type FakeApp } from '../testing/fake-app.ts';
import { createTestServer, type TestServer } from '../testing/test-server.ts';
import { OPERATIONS } from './operations.ts';

let fake: FakeApp;
let server: TestServer;
let document: OpenApiDocument;

interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, DocumentedOperation>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: unknown; readonly example?: unknown };
    };
  };
  readonly responses: Record<string, { readonly description: string; readonly content: object }>;
}

beforeAll(async () => {
  fake = createFakeApp();
  server = createTestServer(fake.app);
  document = (await server.http.inject('/openapi.json')).json();
});

function pathOf(operation: Operation): string {
  return operation.url.replace(/:([a-z0-9]+)/g, '{$1}');
}

function documented(operation: Operation): DocumentedOperation {
  const found = document.paths[pathOf(operation)]?.[operation.method.toLowerCase()];
  if (!found) throw new Error(`${operation.id} is not in the document.`);
  return found;
}

const urlOf = (operation: Operation) =>
  operation.url.replace(':e164', '%2B12025550188').replace(/:[a-z]+/g, 'none');

const MATRIX = OPERATIONS.flatMap((operation) => ALL_SCOPES.map((scope) => ({ operation, scope })));

describe('every operation with every scope', () => {
  test.each(MATRIX)('$operation.id with $scope', async ({ operation, scope }) => {
    const key = fake.createKey([scope]);
    const { statusCode, body } = await server.ask(key, operation.method, urlOf(operation));
    if (scope === operation.scope) {
      expect(statusCode).not.toBe(401);
      expect(statusCode).not.toBe(403);
    } else {
      expect(statusCode).toBe(403);
      const problem = JSON.parse(body);
      expect(problem.code).toBe('MASK_FORBIDDEN');
      expect(problem.detail).toContain(operation.scope);
    }
  });

  test.each(OPERATIONS)('$id without any scope, and without a key', async (operation) => {
    const without = await server.ask(fake.createKey([]), operation.method, urlOf(operation));
    const nobody = await server.ask(null, operation.method, urlOf(operation));
    expect([without.statusCode, nobody.statusCode]).toEqual([403, 401]);
  });

  test('uses every scope that there is', () => {
    expect(new Set(OPERATIONS.map((operation) => operation.scope))).toEqual(new Set(ALL_SCOPES));
  });
});

describe('the API document', () => {
  test('is OpenAPI 3.1 and holds exactly the operations that are served', () => {
    expect(document.openapi).toBe('3.1.0');
    const inDocument = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = OPERATIONS.map((operation) => `${operation.method} ${pathOf(operation)}`);
    expect(inDocument.sort()).toEqual(served.sort());
  });

  test('holds every operation that has a file', () => {
    const files = readdirSync(import.meta.dirname).filter((name) =>
      /-(create|list|get|update|import|close|delete|approve|decline)\.ts$/.test(name),
    );
    expect(files).toHaveLength(OPERATIONS.length);
  });

  test.each(OPERATIONS)('says what $id is for, what it needs and what can go wrong', (operation) => {
    const described = documented(operation);
    expect(described.operationId).toBe(operation.id);
    expect(described.summary).not.toBe('');
    expect(described.description).toContain(`\`${operation.scope}\``);
    expect(described.security).toEqual([
      { apiKey: [operation.scope] },
      { apiKeyAsPassword: [operation.scope] },
    ]);
    for (const code of errorsOf(operation)) {
      expect(described.responses[ERRORS[code].status]?.description).toContain(code);
    }
    for (const status of Object.keys(operation.statuses)) {
      expect(described.responses[status]?.content).toEqual({
        'application/json': { schema: { $ref: `#/components/schemas/${operation.answer.name}` } },
      });
    }
    const keyed = described.parameters?.some((parameter) => parameter.name === 'idempotency-key') ?? false;
    expect(keyed).toBe(operation.repeatable === 'by_key');
  });

  test.each(OPERATIONS.filter(({ method }) => method === 'POST' || method === 'PATCH'))(
    'gives an example body for $id that its own schema accepts',
    async (operation) => {
      const example = documented(operation).requestBody?.content['application/json'].example;
      expect(example).toBeTypeOf('object');
      const url = urlOf(operation);
      const answer = await server.ask(fake.createKey(), operation.method, url, example);
      expect([400, 413, 415]).not.toContain(answer.statusCode);
    },
  );

  test('is the same when it is made without a service', async () => {
    expect(await createOpenApiDocument('0.0.0-test')).toEqual(document);
  });

  test('has every schema that it refers to', () => {
    const references = JSON.stringify(document).match(/#\/components\/schemas\/[A-Za-z0-9-]+/g) ?? [];
    expect(references.length).toBeGreaterThan(20);
    for (const reference of new Set(references)) {
      expect(Object.keys(document.components.schemas)).toContain(reference.split('/').at(-1));
    }
  });

  test('explains every scope', () => {
    const { description } = (document as unknown as { info: { description: string } }).info;
    for (const [scope, meaning] of Object.entries(SCOPES)) {
      expect(description).toContain(`\`${scope}\`: ${meaning}`);
    }
  });

  test('uses only numbers that are reserved for fiction', () => {
    const numbers = JSON.stringify(document).match(/\+[0-9]{7,15}/g) ?? [];
    expect(numbers.length).toBeGreaterThan(5);
    for (const number of numbers) {
      expect(number).toMatch(/^\+(1[2-9][0-9]{2}55501[0-9]{2}|447700900[0-9]{3}|441632960[0-9]{3})$/);
    }
  });

  test('is served without a key, and so is its page, which loads nothing from elsewhere', async () => {
    const page = await server.http.inject('/docs');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect(source).toMatch(/^\/docs\/static\//);
      expect((await server.http.inject(source)).statusCode).toBe(200);
    }
  });
});

test('a server without the role api serves none of it', async () => {
  const { http } = createTestServer(fake.app, { roles: { api: false, webhooks: true } });
  for (const url of ['/openapi.json', '/docs', '/v1/pools']) {
    expect((await http.inject(url)).statusCode).toBe(404);
  }
  expect((await http.inject('/healthz')).statusCode).toBe(200);
});
