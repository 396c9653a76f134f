import { type Database, type Scope, statement, systemScope, tenantScope } from './sql/connection.ts';
import { StorageError } from './storage-error.ts';

export const APP_ROLE = 'maskline_app';
export const SYSTEM_ROLE = 'maskline_system';
/** Every object of ours lives in this schema. */
export const SCHEMA = 'maskline';

/** What row-level security compares `tenant` with: `current_setting('maskline.tenant')`. */
export const TENANT_SETTING = 'maskline.tenant';

/** Where names are looked up, and how timestamps are printed; for the session, or with `local` the transaction. */
export function sessionSql(local = false): string {
  const set = local ? 'set local' : 'set';
  return `${set} search_path = ${SCHEMA}, pg_temp; ${set} timezone = 'UTC'; ${set} datestyle = 'ISO, MDY'`;
}

export function scopeRole(scope: Scope): string {
  return scope.kind === 'tenant' ? APP_ROLE : SYSTEM_ROLE;
}

/** Two scopes with the same key need the same settings in the session. */
export function scopeKey(scope: Scope): string {
  return scope.kind === 'tenant' ? `tenant ${scope.tenant}` : 'system';
}

/** The statements that bring a session, or with `local` the running transaction, into a scope. */
export function scopeSql(scope: Scope, local = false): string {
  const set = local ? 'set local' : 'set';
  const tenant = scope.kind === 'tenant' ? scope.tenant : '';
  return `${set} ${TENANT_SETTING} = ${quoteLiteral(tenant)}; ${set} role ${scopeRole(scope)}`;
}

/** Says what to do when a session cannot take on the role of its scope; passes any other error through. */
export function scopeError(error: unknown, scope: Scope): unknown {
  // 22023: the role does not exist; 42501: it may not be taken on
  if (!(error instanceof StorageError) || !['22023', '42501'].includes(error.sqlState ?? '')) return error;
  const role = scopeRole(scope);
  const message =
    `The login role cannot become ${role}. Run \`maskline migrate\`, or as an administrator: ` +
    `create role ${role} nologin nosuperuser nobypassrls; grant ${role} to <the role in DATABASE_URL>;`;
  return new StorageError('other', message, { sqlState: error.sqlState });
}

/** Needs `standard_conforming_strings`, which is on unless somebody turned it off for the whole server. */
function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new TypeError('A tenant holds a NUL character.');
  // A backslash is refused rather than escaped, so that no server setting can change what this means.
  if (text.includes('\\')) throw new TypeError('A tenant holds a backslash.');
  return `'${text.replaceAll("'", "''")}'`;
}

const selectConfinement = statement(
  'select_confinement',
  `select current_user::text as role, rolsuper as superuser, rolbypassrls as bypasses
     from pg_catalog.pg_roles where rolname = current_user`,
);

interface ConfinementRow {
  readonly role: string;
  readonly superuser: boolean;
  readonly bypasses: boolean;
}

/**
 * To be called at start, after migrations. @throws Error when statements of either scope would run as a role
 * that row-level security does not bind, or as another role than expected
 */
export async function assertConfined(database: Database): Promise<void> {
  for (const scope of [tenantScope('confinement-check'), systemScope]) {
    const [row] = await database.run(scope, (connection) =>
      connection.query<ConfinementRow>(selectConfinement),
    );
    if (row?.role !== scopeRole(scope) || row.superuser || row.bypasses) {
      throw new Error(
        `Statements of scope ${scope.kind} run as role ${row?.role ?? 'unknown'}, which row-level security does ` +
          `not confine. Run: alter role ${scopeRole(scope)} nosuperuser nobypassrls`,
      );
    }
  }
}
