import { describe, expect, it } from 'vitest';
import { type OwnerSession, statement, systemScope, tenantScope } from '../storage/sql/connection.ts';
import type { TestDatabase } from '../storage/testing/describe-each-database.ts';
import { appendAudit, recordAudit, verifyAudit } from './audit.ts';
import { createWorld, type World } from './testing/world.ts';

const ROWS = Number(process.env.MASKLINE_AUDIT_ROWS ?? '3000');
const ACT = { actor: 'key:key_1', action: 'pool.created', subject: 'city' };

async function withRows(rows: number): Promise<World> {
  const world = await createWorld({ numbers: 0 });
  const keys = await world.app.vault.keysOf(world.tenant);
  await world.app.storage.transaction(world.tenant, async (storage) => {
    for (let n = 1; n <= rows; n++) {
      await appendAudit(world.app, storage, keys, { ...ACT, details: { n, nested: { b: 1, a: [n] } } });
    }
  });
  return world;
}

/** As the owner of the database, whom no privilege stops. */
function tamper(world: World, text: string): Promise<unknown> {
  return (world.database as TestDatabase).asOwner((session: OwnerSession) =>
    session.execute(`set search_path = maskline; ${text}`),
  );
}

describe('the audit', () => {
  it(`finds what was changed, deleted, inserted or reordered among ${ROWS} rows, and where`, {
    timeout: 120_000,
  }, async () => {
    const world = await withRows(ROWS);
    const whole = await verifyAudit(world.app, world.tenant);
    expect(whole).toMatchObject({ rows: ROWS, broken: null });
    const middle = Math.floor(ROWS / 2);
    const attacks: [string, string, number][] = [
      ['changed', `update audit set subject = 'other' where seq = ${middle}`, middle],
      ['changed in its details', `update audit set details = details || '{"n": 0}' where seq = 1`, 1],
      ['changed in its time', `update audit set at = at + interval '1 ms' where seq = ${ROWS}`, ROWS],
      ['deleted', `delete from audit where seq = ${middle}`, middle],
      ['deleted first', 'delete from audit where seq = 1', 1],
      ['deleted last', `delete from audit where seq = ${ROWS}`, ROWS],
      [
        'inserted',
        `insert into audit select tenant, ${ROWS + 1}, at, actor, action, subject, details, hash, hash from audit where seq = ${ROWS}`,
        ROWS + 1,
      ],
      ['reordered', `update audit set seq = -seq where seq in (5, 6)`, 5],
    ];
    for (const [, attack, seq] of attacks) {
      const sql = attack.includes('-seq')
        ? `alter table audit drop constraint audit_seq_check; update audit set seq = 0 where seq = 5;
           update audit set seq = 5 where seq = 6; update audit set seq = 6 where seq = 0`
        : attack;
      const { broken } = await attempt(world, sql);
      expect([attack, broken?.seq]).toEqual([attack, seq]);
    }
    expect(await verifyAudit(world.app, world.tenant)).toMatchObject({ broken: null });
    // Cut short together with its head, it is whole; only the head that was noted elsewhere tells.
    await tamper(
      world,
      `delete from audit where seq > 1; update audit_head h set seq = 1, hash = a.hash from audit a where a.seq = 1`,
    );
    expect(await verifyAudit(world.app, world.tenant)).toMatchObject({ broken: null });
    expect(await verifyAudit(world.app, world.tenant, { expected: whole.head })).toMatchObject({
      broken: { seq: 2 },
    });
  });

  /** Looks at the chain after an attack, and undoes the attack. */
  async function attempt(world: World, attack: string): Promise<Awaited<ReturnType<typeof verifyAudit>>> {
    await tamper(world, 'create table kept as select * from audit');
    await tamper(world, attack);
    try {
      return await verifyAudit(world.app, world.tenant);
    } finally {
      await tamper(world, 'delete from audit; insert into audit select * from kept; drop table kept');
    }
  }

  it('can be added to and read by the service, and nothing else', async () => {
    const world = await withRows(3);
    for (const scope of [tenantScope(world.tenant), systemScope]) {
      for (const text of [`update audit set subject = 'x'`, 'delete from audit', 'truncate audit']) {
        const refused = world.database.run(scope, (connection) => connection.query(statement(text, text)));
        await expect(refused).rejects.toMatchObject({ sqlState: '42501' });
      }
    }
    expect(await verifyAudit(world.app, world.tenant)).toMatchObject({ rows: 3, broken: null });
  });

  it('gives every act a row of its own, also the first ones at once', async () => {
    const world = await createWorld({ numbers: 0 });
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => recordAudit(world.app, world.tenant, { ...ACT, details: { n } })),
    );
    expect(await verifyAudit(world.app, world.tenant)).toMatchObject({ rows: 40, broken: null });
  });

  it('loses its row with the act that it is about', async () => {
    const world = await withRows(1);
    const keys = await world.app.vault.keysOf(world.tenant);
    const failed = world.app.storage.transaction(world.tenant, async (storage) => {
      await appendAudit(world.app, storage, keys, { ...ACT, details: {} });
      throw new Error('the act failed');
    });
    await expect(failed).rejects.toThrow('the act failed');
    expect(await verifyAudit(world.app, world.tenant)).toMatchObject({ rows: 1, broken: null });
  });
});
