import { type Static, type TProperties, type TSchema, Type } from 'typebox';
import type { App } from '../../app/app.ts';
import type { TenantStorage } from '../../storage/storage.ts';
import type { Page } from '../../lib/page.ts';
import { createCursor, readCursor } from '../cursor.ts';
import type { Component } from '../operation.ts';
import { nullableText, strict } from './fields.ts';

const LIMIT_DEFAULT = 50;
export const LIMIT_MAXIMUM = 200;

const PAGE_PARAMETERS = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: LIMIT_MAXIMUM,
      default: LIMIT_DEFAULT,
      description: `How many at most: 1 to ${LIMIT_MAXIMUM}, ${LIMIT_DEFAULT} unless you say otherwise.`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 400, description: '`nextCursor` of the page before.' }),
  ),
};

/** The query of a list: its own filters, `limit` and `cursor`. */
export function listQuery<F extends TProperties>(filters: F) {
  return Type.Object({ ...filters, ...PAGE_PARAMETERS }, strict);
}

/** `{ data, nextCursor }` of something that the document knows by name. */
export function listOf<T extends TSchema>(item: Component<T>) {
  const schema = Type.Object({
    data: Type.Array(Type.Unsafe<Static<T>>({ $ref: `${item.name}#` })),
    nextCursor: nullableText({ description: 'Where the next page begins; null on the last.' }),
  });
  return { name: `${item.name}List`, schema };
}

interface ListRequest {
  readonly app: App;
  readonly tenant: string;
  readonly query: { readonly limit?: number; readonly cursor?: string };
}

/** Reads one page. One row more than asked for tells whether there is another. */
export async function readPage<R>(
  { app, tenant, query }: ListRequest,
  list: string,
  read: (storage: TenantStorage, page: Page) => Promise<readonly R[]>,
  idOf: (row: R) => string,
): Promise<{ rows: readonly R[]; nextCursor: string | null }> {
  const keys = await app.vault.keysOf(tenant);
  const limit = query.limit ?? LIMIT_DEFAULT;
  const after = query.cursor === undefined ? null : readCursor(keys, list, query.cursor);
  const found = await app.storage.run(tenant, (storage) => read(storage, { limit: limit + 1, after }));
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const more = found.length > limit && last !== undefined;
  return { rows, nextCursor: more ? createCursor(keys, list, idOf(last)) : null };
}
