import { describe, expect, it, vi } from 'vitest';
import { type SqlConnection, statement, tenantScope } from '../sql/connection.ts';
import { runAsAdmin } from '../testing/open-test-postgres.ts';
import { postgresWanted, usePostgres } from '../testing/use-postgres.ts';

const acme = tenantScope('acme');
const insert = statement('ledger_insert', 'insert into ledger (tenant, id, amount) values ($1, $2, 1)');
const selectIds = statement('ledger_ids', 'select id from ledger order by id');
const add = statement('ledger_add', 'update ledger set amount = amount + $2 where id = $1');
const lockRow = statement('ledger_lock', 'select id from ledger where id = $1 for update');
const sleep = statement('sleep', 'select pg_sleep($1)::text');
const pid = statement('pid', 'select pg_backend_pid() as pid');

async function idsOf(connection: SqlConnection): Promise<readonly number[]> {
  return (await connection.query<{ id: number }>(selectIds)).map(({ id }) => id);
}

async function pidOf(connection: SqlConnection): Promise<number> {
  const [row] = await connection.query<{ pid: number }>(pid);
  return row?.pid ?? 0;
}

const row = (id: number) => (connection: SqlConnection) => connection.query(insert, ['acme', id]);

describe.runIf(postgresWanted('faults of a PostgreSQL server'))('PostgresDatabase, when things break', () => {
  const postgres = usePostgres();
  const terminate = (backend: number): Promise<unknown> =>
    runAsAdmin(postgres.server.adminUrl, `select pg_terminate_backend(${backend}, 5000)`);

  describe('a backend that is terminated', () => {
    it('in a transaction, before COMMIT: the transaction runs again', async () => {
      const database = await postgres.open();
      let attempts = 0;
      await database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 1]);
        if (++attempts === 1) await terminate(await pidOf(connection));
        await connection.query(insert, ['acme', 2]);
      });
      expect(attempts).toBe(2);
      expect(await database.run(acme, idsOf)).toEqual([1, 2]);
    });

    it('again and again: it is unavailable, and nothing happened', async () => {
      const database = await postgres.open();
      const doomed = database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 1]);
        await terminate(await pidOf(connection));
        await connection.query(insert, ['acme', 2]);
      });
      await expect(doomed).rejects.toMatchObject({ code: 'unavailable' });
      expect(await database.run(acme, idsOf)).toEqual([]);
    });

    it('while idle: nobody notices', async () => {
      const database = await postgres.open();
      await Promise.all([1, 2, 3, 4].map((id) => database.run(acme, row(id))));
      await runAsAdmin(
        postgres.server.adminUrl,
        `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'maskline'`,
      );
      await database.transaction(acme, row(5));
      expect(await database.run(acme, idsOf)).toEqual([1, 2, 3, 4, 5]);
    });

    it('under a statement that changes something: it is unknown whether it did', async () => {
      const database = await postgres.open();
      const slow = statement('slow_insert', `insert into ledger (tenant, id) select $1, 9 from pg_sleep(1)`);
      const writing = database.run(acme, (connection) => connection.query(slow, ['acme']));
      writing.catch(() => {});
      await vi.waitFor(async () => {
        const ended = await runAsAdmin(
          postgres.server.adminUrl,
          `select pg_terminate_backend(pid, 5000) from pg_stat_activity where query like 'insert into ledger%pg_sleep%'`,
        );
        expect(ended).toHaveLength(1);
      }, 5_000);
      await expect(writing).rejects.toMatchObject({ code: 'commit_unknown' });
    });
  });

  describe('conflicts', () => {
    it('runs a transaction again after a deadlock, so that none surfaces', async () => {
      // A server looks for deadlocks after a second of waiting, by default, and then finds one at a time.
      const database = await postgres.open({ poolSize: 8, statementTimeoutMs: 10_000 });
      await database.run(acme, row(1));
      await database.run(acme, row(2));
      const opposite = Array.from({ length: 8 }, (_, i) =>
        database.transaction(acme, async (connection) => {
          const order = i % 2 === 0 ? [1, 2] : [2, 1];
          for (const id of order) {
            await connection.query(lockRow, [id]);
            await connection.query(add, [id, 1]);
          }
        }),
      );
      await Promise.all(opposite);
      const sum = statement('sum', 'select sum(amount)::int8 as sum from ledger');
      expect(await database.run(acme, (connection) => connection.query(sum))).toEqual([{ sum: 2 + 16 }]);
    });

    it('gives up on a lock that is held too long, and nothing happened', async () => {
      const database = await postgres.open({ statementTimeoutMs: 200 });
      await database.run(acme, row(1));
      let release = (): void => {};
      let locked: Promise<void> = Promise.resolve();
      await new Promise<void>((ready) => {
        locked = database.transaction(acme, async (connection) => {
          await connection.query(lockRow, [1]);
          ready();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        });
      });
      const waiting = database.transaction(acme, (connection) => connection.query(add, [1, 5]));
      await expect(waiting).rejects.toMatchObject({ code: 'timeout', sqlState: '57014' });
      release();
      await locked;
    });

    it('keeps connections for single statements while transactions, and what is patient, wait for a lock', async () => {
      const database = await postgres.open({ poolSize: 4, statementTimeoutMs: 1_500 });
      await database.run(acme, row(1));
      let release = (): void => {};
      let locked: Promise<void> = Promise.resolve();
      await new Promise<void>((ready) => {
        locked = database.transaction(acme, async (connection) => {
          await connection.query(lockRow, [1]);
          ready();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        });
      });
      const waiting = [1, 2, 3, 4, 5, 6].map((amount) =>
        amount % 2 === 0
          ? database.transaction(acme, (connection) => connection.query(add, [1, amount]))
          : database.run(acme, (connection) => connection.query(add, [1, amount]), 'patient'),
      );
      const startedAt = performance.now();
      expect(await database.run(acme, idsOf)).toEqual([1]);
      // Less than any of them waits for the lock.
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      release();
      await locked;
      expect(await Promise.all(waiting)).toHaveLength(6);
    });

    it('refuses within its time when every connection is taken', async () => {
      const database = await postgres.open({ poolSize: 1, acquireTimeoutMs: 100 });
      const busy = database.run(acme, (connection) => connection.query(sleep, [0.5]));
      await expect(database.run(acme, idsOf)).rejects.toMatchObject({ code: 'unavailable' });
      await busy;
      expect(await database.run(acme, idsOf)).toEqual([]);
    });
  });

  describe('a way to the server that breaks', () => {
    const limits = { statementTimeoutMs: 500, connectTimeoutMs: 300, acquireTimeoutMs: 2_000 };

    it('is noticed within 3 s when it swallows everything, and is used again when it heals', async () => {
      const { proxy, proxyUrl } = await postgres.proxied();
      // The limits of production, because the three seconds are theirs.
      const database = await postgres.open({ connectionString: proxyUrl });
      await database.run(acme, row(1));
      proxy.blackHole();
      const startedAt = performance.now();
      const statuses = await Promise.allSettled([1, 2, 3].map(() => database.transaction(acme, idsOf)));
      expect(statuses.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(statuses).toMatchObject(statuses.map(() => ({ reason: { code: 'unavailable' } })));
      // The silence is noticed after 2.5 s; what is added is the wait for another connection.
      expect(performance.now() - startedAt).toBeLessThan(2_500 + 3_000 + 1_000);
      proxy.heal();
      await vi.waitFor(() => database.run(acme, idsOf), 5_000);
      expect(await database.transaction(acme, idsOf)).toEqual([1]);
    });

    it('leaves the outcome of a COMMIT unknown, and says so before its own limit', async () => {
      const { proxy, proxyUrl } = await postgres.proxied();
      const database = await postgres.open({ connectionString: proxyUrl, ...limits });
      const startedAt = performance.now();
      const committing = database.transaction(acme, async (connection) => {
        await connection.query(insert, ['acme', 1]);
        proxy.swallowAnswers();
      });
      await expect(committing).rejects.toMatchObject({ code: 'commit_unknown' });
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      const direct = await postgres.open();
      expect(await direct.run(acme, idsOf)).toEqual([1]);
    });

    it('cut in the middle of many transactions loses none that was acknowledged and doubles none', async () => {
      const { proxy, proxyUrl } = await postgres.proxied();
      const database = await postgres.open({ connectionString: proxyUrl, ...limits });
      const acknowledged: number[] = [];
      const unknown: number[] = [];
      for (let round = 0; round < 10; round++) {
        const ids = Array.from({ length: 20 }, (_, i) => round * 20 + i);
        const writing = ids.map((id) =>
          database.transaction(acme, row(id)).then(
            () => acknowledged.push(id),
            (error: { code: string }) => {
              if (error.code !== 'unavailable') unknown.push(id);
            },
          ),
        );
        setImmediate(() => proxy.cut());
        await Promise.all(writing);
      }
      const direct = await postgres.open();
      const found = await direct.run(acme, idsOf);
      expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
      expect(found.filter((id) => !acknowledged.includes(id) && !unknown.includes(id))).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(100);
    });

    it('does not confuse a slow COMMIT with a dead server', async () => {
      const database = await postgres.open({ ...limits, commitTimeoutMs: 5_000 });
      await runAsAdmin(
        postgres.url,
        `create function maskline.dawdle() returns trigger language plpgsql as
           'begin perform pg_sleep(1.2); return null; end';
         create constraint trigger dawdle after insert on maskline.ledger deferrable initially deferred
           for each row execute function maskline.dawdle()`,
      );
      await database.transaction(acme, row(1));
      expect(await database.run(acme, idsOf)).toEqual([1]);
    });
  });

  it('keeps an answer that came while this process stood still', async () => {
    const database = await postgres.open({ statementTimeoutMs: 100 });
    await database.run(acme, row(1));
    let attempts = 0;
    const ids = await database.transaction(acme, (connection) => {
      attempts++;
      const answer = idsOf(connection);
      // Longer than any limit on the way: 100 ms of the server's, and 500 ms more before it counts as silent.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
      return answer;
    });
    expect(ids).toEqual([1]);
    expect(attempts).toBe(1);
  });
});
