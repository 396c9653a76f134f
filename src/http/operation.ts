import { type Static, type TSchema, Type } from 'typebox';
import type { App } from '../app/app.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { ApiScope } from './scopes.ts';

export type Tag =
  | 'Pools'
  | 'Virtual numbers'
  | 'Purchases'
  | 'Sessions'
  | 'Route decisions'
  | 'Calls'
  | 'Messages'
  | 'Blocks'
  | 'History'
  | 'Webhooks';

export interface OperationContext<P, Q, B> {
  readonly app: App;
  readonly tenant: string;
  /** whose request it is, as the audit names it: `key:<id>` */
  readonly actor: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** milliseconds since the request came */
  readonly waitedMs: number;
}

export interface OperationAnswer<A> {
  readonly status: number;
  readonly body: DeepReadonly<A>;
}

/** An answer is only written out, so what the use cases give may be as read-only as they like. */
export type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** A schema that the OpenAPI document shows by name. */
export interface Component<T extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: T;
}

/**
 * One call of the public API, described once: validation, types, authentication, repetition, and the OpenAPI
 * document come from this. `run` sees a request that is authentic, allowed and valid.
 */
export interface OperationDefinition<
  P extends TSchema,
  Q extends TSchema,
  B extends TSchema,
  A extends TSchema,
> {
  /** `operationId` of the OpenAPI document; the file is named after it, noun first */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly tag: Tag;
  readonly scope: ApiScope;
  readonly summary: string;
  readonly description: string;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly answer: Component<A>;
  /** each status of success and when it comes */
  readonly statuses: Readonly<Record<number, string>>;
  /** the errors that are this call's own, beside those that every call can meet */
  readonly errors: readonly ErrorCode[];
  /**
   * How the call is made safe to repeat: `by_key` remembers its answer under an `Idempotency-Key`;
   * `by_nature` needs nothing, because it reads, or because the request names itself.
   */
  readonly repeatable: 'by_key' | 'by_nature';
  /** what it costs of the key's rate, in units; default: 1 to look something up, 2 to change something */
  readonly cost?: number;
  /** What the audit calls it. An operation that reveals something writes its own row instead, with what it does. */
  readonly audited?: string;
  /** the value of `Location`, for what was created */
  location?(answer: DeepReadonly<Static<A>>): string;
  run(context: OperationContext<Static<P>, Static<Q>, Static<B>>): Promise<OperationAnswer<Static<A>>>;
}

export type Operation = OperationDefinition<TSchema, TSchema, TSchema, TSchema>;

/** No parameter, or no body: unknown fields are refused here as well. */
export const NOTHING = Type.Object({}, { additionalProperties: false });

/** Checks the types of one operation, and forgets them: the list of operations holds all kinds. */
export function defineOperation<P extends TSchema, Q extends TSchema, B extends TSchema, A extends TSchema>(
  definition: OperationDefinition<P, Q, B, A>,
): Operation {
  // Sound, because the request is validated against these very schemas before `run` is called.
  return definition as unknown as Operation;
}
