import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { Type } from 'typebox';
import { ERRORS, type ErrorCode } from '../domain/errors.ts';
import { COMPONENTS } from './api/components.ts';
import type { Operation } from './operation.ts';
import { createProblem, type Problem, PROBLEM_CONTENT_TYPE } from './problem.ts';
import { SCOPES } from './scopes.ts';

const READ_ERRORS = [
  'MASK_INVALID_REQUEST',
  'MASK_UNAUTHENTICATED',
  'MASK_FORBIDDEN',
  'MASK_RATE_LIMITED',
  'MASK_DEPENDENCY_UNAVAILABLE',
  'MASK_INTERNAL',
] as const satisfies readonly ErrorCode[];
const BODY_ERRORS = [
  'MASK_BODY_TOO_LARGE',
  'MASK_UNSUPPORTED_MEDIA_TYPE',
] as const satisfies readonly ErrorCode[];
const KEY_ERRORS = [
  'MASK_IDEMPOTENCY_MISMATCH',
  'MASK_IDEMPOTENCY_IN_PROGRESS',
] as const satisfies readonly ErrorCode[];

const IdempotencyKeyHeader = Type.Object({
  // In lower case, as Node hands headers over; to HTTP it is all the same.
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description:
        'Any text of your own that names this request, 1 to 255 visible ASCII characters. The same key and body get the first answer again for 72 hours (`Idempotency-Replayed: true`).',
      examples: ['order-4711-assignment-1'],
    }),
  ),
});

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly operation?: Operation;
  }
}

/** All of a route but what it does. */
export function describeRoute(operation: Operation) {
  const { method, url } = operation;
  return { method, url, schema: describeOperation(operation), config: { operation } };
}

/** Fastify's schema of a route: validates what comes in, writes what goes out, and feeds the document. */
function describeOperation(operation: Operation): FastifySchema {
  const answer = { $ref: `${operation.answer.name}#` };
  const successes = Object.entries(operation.statuses).map(([status, description]) => [
    status,
    // A reference beside a description: the document takes the text, the serializer the reference.
    { description, ...answer },
  ]);
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: `${operation.description}\n\nScope: \`${operation.scope}\`.`,
    security: [{ apiKey: [operation.scope] }, { apiKeyAsPassword: [operation.scope] }],
    params: operation.params,
    querystring: operation.query,
    ...(hasBody(operation) ? { body: operation.body } : {}),
    ...(operation.repeatable === 'by_key' ? { headers: IdempotencyKeyHeader } : {}),
    response: Object.fromEntries(successes),
  };
}

function hasBody({ method }: Operation): boolean {
  return method === 'POST' || method === 'PATCH';
}

/** Which codes an operation can answer with, whatever its own code does. */
export function errorsOf(operation: Operation): readonly ErrorCode[] {
  return [
    ...READ_ERRORS,
    ...(hasBody(operation) ? BODY_ERRORS : []),
    ...(operation.repeatable === 'by_key' ? KEY_ERRORS : []),
    ...operation.errors,
  ];
}

function describeErrors(operation: Operation): Record<number, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(operation)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const described = [...byStatus].map(([status, codes]) => [
    status,
    {
      description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
      content: {
        [PROBLEM_CONTENT_TYPE]: {
          schema: { $ref: 'Problem#' },
          examples: Object.fromEntries(
            codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
          ),
        },
      },
    },
  ]);
  return Object.fromEntries(described);
}

/** One for each code: pieced together from the examples of its fields, a problem would contradict itself. */
function exampleErrors(): Record<string, { value: Problem }> {
  const detail = 'What is wrong with this one request, and what to do about it.';
  const codes = Object.keys(ERRORS) as ErrorCode[];
  return Object.fromEntries(codes.map((code) => [code, { value: createProblem(code, detail) }]));
}

/** Collects the routes that are registered after it; `http.swagger()` is the document then. */
export async function collectOpenApi(http: FastifyInstance, version: string): Promise<void> {
  for (const { name, schema } of COMPONENTS) http.addSchema({ ...schema, $id: name });
  await http.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Maskline',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        description: INTRODUCTION,
      },
      // Relative: the document describes the server that serves it.
      servers: [{ url: '/' }],
      components: {
        examples: exampleErrors(),
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, as a Bearer token.' },
          apiKeyAsPassword: {
            type: 'http',
            scheme: 'basic',
            description:
              'An API key as the password, with any user name: for switches that know nothing else.',
          },
        },
      },
    },
    // Errors are added here and not to the routes: they have one writer, and a serializer compiled for each
    // status of each route would take most of the time that the server needs to start.
    transform: ({ schema, url, route }) => {
      const operation = route.config?.operation;
      if (!operation) return { schema, url };
      const response = { ...(schema.response as object), ...describeErrors(operation) };
      return { schema: { ...schema, response }, url };
    },
    stripBasePath: false,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json.$id ?? `def-${i}`) },
  });
}

const INTRODUCTION = `Two people who share an order can call and text each other, and neither learns the other's real phone number.

JSON is camelCase, instants are RFC 3339 in UTC, numbers are E.164 with \`+\`. A real number goes in and never comes out: what comes back is masked (\`+1••••••0123\`); only a route decision holds one, for the switch that connects the call.

Errors are RFC 9457 \`application/problem+json\` with a stable \`code\`. Unknown fields are refused. What belongs to somebody else is \`404\`, like what does not exist. Bodies have at most 64 kB.

Mutations take an \`Idempotency-Key\`. Lists take \`limit\` and \`cursor\` and answer \`{ data, nextCursor }\`; \`nextCursor\` is null on the last page.

An API key may ask for a number of units a second, and save some up for a burst: a look-up costs 1, a change 2, a list 5, an audited look at a person 20. Beyond that it is \`429\` with \`Retry-After\`, and nothing was done.

Scopes of an API key:

${Object.entries(SCOPES)
  .map(([scope, description]) => `- \`${scope}\`: ${description}`)
  .join('\n')}`;
