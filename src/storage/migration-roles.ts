import { APP_ROLE, SCHEMA, SYSTEM_ROLE } from './confinement.ts';
import { type OwnerSession, statement } from './sql/connection.ts';
import { StorageError } from './storage-error.ts';

const selectRole = statement(
  'select_role',
  `select rolsuper or rolbypassrls as unconfined from pg_catalog.pg_roles where rolname = $1`,
);

/**
 * Makes the two roles that statements run as, and lets the login role become them.
 * @throws Error with the statements to run as an administrator, when the login role may not
 */
export async function ensureRoles(session: OwnerSession): Promise<void> {
  for (const role of [APP_ROLE, SYSTEM_ROLE]) {
    await ensureRole(session, role);
    await ensureMembership(session, role);
  }
}

async function ensureRole(session: OwnerSession, role: string): Promise<void> {
  const [found] = await session.query<{ unconfined: boolean }>(selectRole, [role]);
  if (found?.unconfined === true) {
    throw new Error(
      `Role ${role} is not bound by row-level security. Run: alter role ${role} nosuperuser nobypassrls`,
    );
  }
  if (found) return;
  try {
    await session.execute(`create role ${role} nologin nosuperuser nobypassrls nocreatedb nocreaterole`);
  } catch (error) {
    // Roles belong to the whole server: another database's migration may have made it meanwhile.
    const [madeMeanwhile] = await session.query(selectRole, [role]);
    if (!madeMeanwhile) throw withAdvice(error, role);
  }
}

async function ensureMembership(session: OwnerSession, role: string): Promise<void> {
  if (await canBecome(session, role)) return;
  try {
    await session.execute(`grant ${role} to current_user`);
  } catch (error) {
    if (!(await canBecome(session, role))) throw withAdvice(error, role);
  }
}

async function canBecome(session: OwnerSession, role: string): Promise<boolean> {
  try {
    await session.execute(`set role ${role}`);
  } catch {
    return false;
  }
  await session.execute('reset role');
  return true;
}

function withAdvice(error: unknown, role: string): Error {
  const advice = `create role ${role} nologin nosuperuser nobypassrls; grant ${role} to <the role in DATABASE_URL>;`;
  const message = `The login role may not make role ${role} or become it. As an administrator run: ${advice}`;
  if (error instanceof StorageError) return new StorageError(error.code, message, { cause: error });
  return new Error(message, { cause: error });
}

/** To be repeated after every migration, because a grant reaches only the tables that exist by then. */
export function grantsSql(): string {
  const roles = `${APP_ROLE}, ${SYSTEM_ROLE}`;
  return [
    `grant usage on schema ${SCHEMA} to ${roles}`,
    `grant select, insert, update, delete on all tables in schema ${SCHEMA} to ${roles}`,
    `grant usage, select on all sequences in schema ${SCHEMA} to ${roles}`,
    `revoke insert, update, delete on ${SCHEMA}.schema_migration from ${roles}`,
    // What was done stays written: not even a stolen connection of the service can change it.
    `do $$ begin if to_regclass('${SCHEMA}.audit') is not null then
       revoke update, delete, truncate on ${SCHEMA}.audit from ${roles}; end if; end $$`,
  ].join(';\n');
}
