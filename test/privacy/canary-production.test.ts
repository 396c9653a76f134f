import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from '../../src/bus/bus.ts';
import { createKafkaBus } from '../../src/bus/kafka/kafka-bus.ts';
import { readTopic } from '../../src/consumers/read-topic.ts';
import { SIMULATED_DESTINATIONS } from '../../src/domain/destination.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { silentLog } from '../../src/observe/log.ts';
import { databaseUrl } from '../../src/storage/testing/open-test-postgres.ts';
import { type PostgresServer, startPostgresServer } from '../../src/storage/testing/postgres-server.ts';
import { createDeployment, type Deployment } from '../production/deployment.ts';
import { BROKERS, LEFT_OUT } from '../production/kafka-topics.ts';
import { Replica, runCommand } from '../production/replica.ts';
import { POOL } from '../production/seed.ts';
import { ask, until } from '../system/product.ts';
import { CANARIES } from './canaries.ts';
import { canaryEvents } from './canary-events.ts';
import { CanaryRequests } from './canary-requests.ts';
import { dumpTables } from './dump-tables.ts';
import { filesOf, LeakScan, type Remains } from './leak-scan.ts';

const PRELOAD = fileURLToPath(new URL('./crash-on-signal.ts', import.meta.url));
/** Live strings that V8 keeps of what was last parsed and compared, after the work is over. Reported, with a bound. */
const HEAP_HITS_MAXIMUM = 20;

const scan = new LeakScan(CANARIES);

if (BROKERS === null) {
  describe('canary numbers in production', () => {
    it(LEFT_OUT, (context) => context.skip());
  });
} else {
  const brokers = BROKERS;
  describe('after real numbers went through PostgreSQL and Kafka', () => {
    let directory: string;
    let server: PostgresServer;
    let deployment: Deployment;
    let replica: Replica;
    let requests: CanaryRequests;
    let bus: Bus;
    const postgresLog: string[] = [];
    const serverLog = (): Remains[] => [
      { place: 'PostgreSQL log', bytes: Buffer.from(postgresLog.join('')) },
    ];

    const place = (name: string) => path.join(directory, name);
    const remainsOf = (name: string): Remains[] =>
      readdirSync(place(name)).map((file) => ({
        place: `${name}/${file}`,
        bytes: readFileSync(path.join(place(name), file)),
      }));
    const sizeOf = (remains: readonly Remains[]) => remains.reduce((sum, { bytes }) => sum + bytes.length, 0);

    /** The same with one number planted at its end. */
    function planted(remains: readonly Remains[]): Remains[] {
      const [{ place: where, bytes } = { place: 'nothing', bytes: Buffer.alloc(0) }] = remains;
      return [{ place: where, bytes: Buffer.concat([bytes, Buffer.from(CANARIES[3] ?? '')]) }];
    }

    beforeAll(async () => {
      directory = mkdtempSync(path.join(tmpdir(), 'maskline-canary-'));
      for (const name of ['service', 'diagnostics']) mkdirSync(place(name));
      server = await startPostgresServer(
        {
          synchronous_commit: 'on',
          // Everything but the parameters: what docs/operations.md asks for, on a server that writes all it can.
          log_statement: 'all',
          log_min_duration_statement: '0',
          log_min_error_statement: 'debug5',
          log_error_verbosity: 'verbose',
          log_parameter_max_length: '0',
          log_parameter_max_length_on_error: '0',
        },
        (text) => postgresLog.push(text),
      );
      deployment = await createDeployment(brokers, {
        numbers: 400,
        pool: { destinations: SIMULATED_DESTINATIONS },
        given: { adminUrl: server.url, url: databaseUrl(server.url, 'maskline') },
      });
      replica = await Replica.start(
        {
          ...deployment.environment,
          MASKLINE_LOG_LEVEL: 'debug',
          CRASH_NUMBER: CANARIES[5] ?? '',
          NODE_OPTIONS: [
            `--import=${PRELOAD}`,
            '--heapsnapshot-signal=SIGUSR2',
            `--diagnostic-dir=${place('diagnostics')}`,
            '--report-uncaught-exception',
            // The directory for diagnostics is not that of reports.
            `--report-directory=${place('diagnostics')}`,
          ].join(' '),
        },
        { shell: `exec >${place('service')}/log 2>&1;` },
      );
      const authorization = `Bearer ${deployment.apiKey}`;
      requests = new CanaryRequests(
        {
          maskline: (method, url, body, headers) =>
            ask(method, `http://127.0.0.1:${replica.port}${url}`, body, { authorization, ...headers }),
        },
        POOL,
      );
      await requests.api();
      await requests.everyNumber();
      await requests.forgedWebhooks();
      bus = createKafkaBus({
        brokers: brokers.split(','),
        clientId: 'canary',
        ...{ clock: systemClock, random: systemRandom, log: silentLog },
      });
      const { orders } = deployment.topics;
      await bus.publish(
        orders,
        canaryEvents(POOL, () => requests.canary()),
      );
      await until(
        'the dead letters',
        async () => ((await replica.metric('maskline_dead_letters_total')) ?? 0) >= 4,
      );
      await until('an empty outbox', async () => (await replica.metric('maskline_outbox_size')) === 0);
      await requests.publicPages();
    }, 300_000);
    afterAll(async () => {
      await replica?.kill();
      await bus?.close();
      await deployment?.stop();
      await server?.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    async function topic(name: string): Promise<Remains[]> {
      const messages = await readTopic(bus, { topic: name, group: `canary-${name}`, clock: systemClock });
      return messages.map(({ key, value, headers }, i) => ({
        place: `${name} ${i}`,
        bytes: Buffer.concat([Buffer.from(`${key} ${JSON.stringify(headers)} `), value]),
      }));
    }

    it('the server’s own log holds none, though it wrote every statement down', () => {
      const log = serverLog();
      expect(sizeOf(log)).toBeGreaterThan(100_000);
      expect(Buffer.concat(log.map(({ bytes }) => bytes)).toString()).toContain('insert into');
      expect(scan.search(log)).toEqual([]);
      expect(scan.search(planted(log))).not.toEqual([]);
    });

    it('would show a number in a statement, and the doctor warns of parameters in the log', async () => {
      const number = CANARIES[9] ?? '';
      await deployment.database.asOwner((session) => session.execute(`select '${number}'`));
      // The server writes its log in its own time.
      await until('the statement in the log', () => scan.search(serverLog()).length > 0);
      const environment = { ...deployment.environment, MASKLINE_PUBLIC_URL: 'http://127.0.0.1:1' };
      expect((await runCommand(['doctor'], environment)).stdout).toContain('writes no parameter');
      await deployment.database.asOwner((session) =>
        session.execute('alter database maskline set log_parameter_max_length = -1'),
      );
      const warned = (await runCommand(['doctor'], environment)).stdout;
      expect(warned).toContain('log_parameter_max_length = 0');
    });

    it('no row and no file of the server holds one, its write-ahead log included', async () => {
      const tables = await dumpTables(deployment.database);
      expect(sizeOf(tables)).toBeGreaterThan(10_000);
      expect(scan.search(tables)).toEqual([]);
      expect(scan.search(planted(tables))).not.toEqual([]);
      const data = await deployment.database.asOwner(async (session) => {
        await session.execute('checkpoint');
        const [row] = await session.query<{ directory: string }>({
          name: 'canary_data_directory',
          text: `select current_setting('data_directory') as directory`,
        });
        return row?.directory ?? '';
      });
      const files = [...filesOf(data, (relative) => relative.endsWith('postmaster.pid'))];
      expect(files.some(({ place: name }) => name.includes('pg_wal'))).toBe(true);
      expect(scan.search(files)).toEqual([]);
    });

    it('a dump of the database holds none', ({ skip }) => {
      const dumped = spawnSync('pg_dump', ['--dbname', deployment.databaseUrl], { maxBuffer: 2 ** 28 });
      skip(dumped.status !== 0, 'There is no pg_dump that is as new as the server.');
      const remains = [{ place: 'pg_dump', bytes: dumped.stdout }];
      expect(dumped.stdout.toString()).toContain('COPY maskline.route');
      expect(scan.search(remains)).toEqual([]);
      expect(scan.search(planted(remains))).not.toEqual([]);
    });

    it('topics hold none but where producers put them: announcements, dead letters', async () => {
      const { orders, masking, deadLetter } = deployment.topics;
      // What the Orders service sends holds numbers; that they are found there shows that they would be elsewhere.
      expect(scan.search(await topic(orders)).length).toBeGreaterThan(5);
      const announced = await topic(masking);
      const dead = await topic(deadLetter);
      expect([announced.length > 100, dead.length >= 4]).toEqual([true, true]);
      expect(scan.search([...announced, ...dead])).toEqual([]);
      for (const remains of [announced, dead]) expect(scan.search(planted(remains))).not.toEqual([]);
    });

    it('no answer, metric or page holds one', () => {
      expect(requests.answers.length).toBeGreaterThan(250);
      expect(scan.search(requests.answers)).toEqual([]);
    });

    it('the memory of the idle process holds next to none, and it is said how many', async () => {
      const { pid } = replica;
      if (pid === undefined) throw new Error('The replica has no process.');
      process.kill(pid, 'SIGUSR2');
      const snapshots = () =>
        remainsOf('diagnostics').filter(({ place: name }) => name.endsWith('.heapsnapshot'));
      await until('a heap snapshot', () =>
        snapshots().some(({ bytes }) => bytes.at(-1) === '}'.charCodeAt(0)),
      );
      const hits = scan.search(snapshots());
      // The number with which the test makes it crash is in its environment, which is part of its memory.
      const own = hits.filter(({ canary }) => canary !== `…${CANARIES[5]?.slice(-3)}`);
      console.info(
        `Heap snapshot of the idle process, ${Math.round(sizeOf(snapshots()) / 1e6)} MB: ${own.length} numbers ` +
          JSON.stringify(own.slice(0, 5)),
      );
      expect(own.length).toBeLessThanOrEqual(HEAP_HITS_MAXIMUM);
      expect(scan.search(planted(snapshots())).length).toBeGreaterThan(hits.length);
    });

    it('a crash prints none, nor does its report, and all of the service’s log holds none', async () => {
      const { pid } = replica;
      if (pid === undefined) throw new Error('The replica has no process.');
      process.kill(pid, 'SIGUSR1');
      await until('the end of the process', () => replica.exited);
      const log = remainsOf('service');
      const text = Buffer.concat(log.map(({ bytes }) => bytes)).toString();
      expect(text).toContain('"level":"debug"');
      expect(text).toContain('A planned crash with a number at hand');
      expect(scan.search(log)).toEqual([]);
      expect(scan.search(planted(log))).not.toEqual([]);
      const reports = remainsOf('diagnostics').filter(({ place: name }) => name.endsWith('.json'));
      // A report repeats the environment, and with it the number that this test gave there; nothing else may.
      expect(reports).toHaveLength(1);
      expect(scan.search(reports)).not.toEqual([]);
      const others = reports.map(({ place: name, bytes }) => {
        const { environmentVariables: _, ...rest } = JSON.parse(bytes.toString());
        return { place: name, bytes: Buffer.from(JSON.stringify(rest)) };
      });
      expect(sizeOf(others)).toBeGreaterThan(5_000);
      expect(scan.search(others)).toEqual([]);
    });
  });
}
