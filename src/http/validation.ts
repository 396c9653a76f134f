import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Issue } from './problem.ts';

/** What may be quoted of a refused field's name: nothing that could be a phone number. */
const QUOTABLE_NAME = /^[A-Za-z_]{1,40}$/;
const VALUES_QUOTED = 20;
const UNSIGNED_INTEGER = /^[0-9]{1,15}$/;

interface Failure {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/**
 * Validation by TypeBox, strict: nothing is converted in a body, no field is dropped, no default is filled in.
 * Query parameters are text by nature, so those that are declared integers are read as such. Messages name the
 * rule and never quote the value, which may be somebody's number.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  return (value: unknown) => {
    const read = httpPart === 'querystring' ? readIntegers(schema, value) : value;
    if (check.Check(read)) return { value: read };
    return { error: toIssues(check.Errors(read)) as unknown as Error };
  };
};

function readIntegers(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const properties: Readonly<Record<string, { type?: unknown }>> =
    'properties' in schema ? (schema.properties as Record<string, { type?: unknown }>) : {};
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => {
      const declared = Object.hasOwn(properties, name) ? properties[name]?.type : undefined;
      const integer = declared === 'integer' && typeof text === 'string' && UNSIGNED_INTEGER.test(text);
      return [name, integer ? Number(text) : text];
    }),
  );
}

/** What the validator says, without its repetitions and without anything that the caller sent. */
export function toIssues(failures: readonly Failure[]): Issue[] {
  const issues: Issue[] = [];
  for (const failure of failures) {
    // `boolean` repeats what `additionalProperties` says, with the refused name in the path.
    if (failure.keyword === 'boolean') continue;
    // Of alternatives, only what is wrong inside one of them is worth a line beside the `anyOf` itself.
    if (failure.keyword === 'type' && /\/anyOf\/[0-9]+$/.test(failure.schemaPath)) continue;
    issues.push({ path: failure.instancePath, message: messageOf(failure) });
  }
  return issues;
}

function messageOf(failure: Failure): string {
  switch (failure.keyword) {
    case 'additionalProperties': {
      const names = namesIn(failure.params, 'additionalProperties');
      const quoted = names.filter((name) => QUOTABLE_NAME.test(name)).map((name) => `\`${name}\``);
      return quoted.length === names.length
        ? `has a field that is not known: ${quoted.join(', ')}`
        : 'has a field that is not known';
    }
    case 'anyOf':
      return 'must be one of the documented alternatives';
    case 'enum':
      return allowedIn(failure.params);
    default:
      return failure.message;
  }
}

/** What the schema allows is ours, and no secret. A long list is in the documentation. */
function allowedIn(params: object): string {
  const { allowedValues } = params as { allowedValues?: unknown };
  const values = Array.isArray(allowedValues) ? allowedValues.map(String) : [];
  return values.length > 0 && values.length <= VALUES_QUOTED
    ? `must be one of ${values.join(', ')}`
    : 'must be one of the documented values';
}

function namesIn(params: object, key: string): readonly string[] {
  const names = (params as Record<string, unknown>)[key];
  return Array.isArray(names) ? names.slice(0, 10).map(String) : [];
}
