import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { freePort, until } from '../../system/product.ts';
import { PatroniNode } from './patroni-node.ts';

const PROGRAMS = ['/usr/bin/patroni', '/usr/bin/etcd', '/usr/lib/postgresql/15/bin/postgres'];
const START_LIMIT_MS = 90_000;
const ASK_LIMIT_MS = 1_000;

/** What is missing to run a cluster here; empty when nothing is. */
export function missingPrograms(): readonly string[] {
  return PROGRAMS.filter((program) => !existsSync(program));
}

/** PostgreSQL refuses to run as root; Debian's packages bring a user for it. */
function owner(): { uid: number; gid: number } | null {
  if (userInfo().uid !== 0) return null;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * Two PostgreSQL 15 nodes that Patroni keeps, and one etcd, on loopback: synchronous replication, and the
 * shortest times that Patroni allows (docs/operations.md).
 */
export class PatroniCluster {
  readonly nodes: readonly [PatroniNode, PatroniNode];
  readonly #directory: string;
  readonly #etcd: { readonly client: number; readonly peer: number };
  readonly #owner: { uid: number; gid: number } | null;
  readonly #password: string;
  #etcdProcess: ChildProcess | null = null;

  private constructor(parts: {
    directory: string;
    owner: { uid: number; gid: number } | null;
    password: string;
    etcd: { client: number; peer: number };
    nodes: readonly [PatroniNode, PatroniNode];
  }) {
    this.#directory = parts.directory;
    this.#owner = parts.owner;
    this.#password = parts.password;
    this.#etcd = parts.etcd;
    this.nodes = parts.nodes;
  }

  static async start(): Promise<PatroniCluster> {
    const directory = mkdtempSync(path.join(tmpdir(), 'maskline-patroni-'));
    chmodSync(directory, 0o755);
    const password = randomBytes(12).toString('hex');
    const etcd = { client: await freePort(), peer: await freePort() };
    const own = owner();
    const node = async (name: string): Promise<PatroniNode> => {
      const home = path.join(directory, name);
      mkdirSync(home, { mode: 0o700 });
      const ports = { postgres: await freePort(), rest: await freePort() };
      const file = path.join(home, 'patroni.yml');
      writeFileSync(file, settings({ name, home, password, etcdPort: etcd.client, ...ports }));
      if (own) for (const each of [home, file]) chownSync(each, own.uid, own.gid);
      return new PatroniNode({ name, home, file, ports, owner: own });
    };
    const nodes = [await node('one'), await node('two')] as const;
    const cluster = new PatroniCluster({ directory, owner: own, password, etcd, nodes });
    try {
      cluster.startEtcd();
      nodes[0].start();
      await until('a primary', async () => (await cluster.primary()) !== null, START_LIMIT_MS);
      nodes[1].start();
      await cluster.whole();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** To both hosts, for a service that looks for the one that takes writes. */
  url(database: string): string {
    const hosts = this.nodes.map(({ ports }) => `127.0.0.1:${ports.postgres}`).join(',');
    return `postgres://postgres:${this.#password}@${hosts}/${database}?target_session_attrs=read-write`;
  }

  /** To one node alone. */
  urlOf(node: PatroniNode, database = 'postgres'): string {
    return `postgres://postgres:${this.#password}@127.0.0.1:${node.ports.postgres}/${database}`;
  }

  /** The node that says it is the primary. */
  async primary(): Promise<PatroniNode | null> {
    for (const node of this.nodes) if ((await node.role()) === 'primary') return node;
    return null;
  }

  other(node: PatroniNode): PatroniNode {
    return node === this.nodes[0] ? this.nodes[1] : this.nodes[0];
  }

  /** Both nodes are up, and the standby is one that Patroni would promote: a synchronous one. */
  async whole(limitMs = START_LIMIT_MS): Promise<PatroniNode> {
    let found: PatroniNode | null = null;
    await until(
      'a primary with a synchronous standby',
      async () => {
        found = await this.primary();
        if (found === null) return false;
        // What etcd says, which is later than what the primary says.
        const signal = AbortSignal.timeout(ASK_LIMIT_MS);
        const response = await fetch(`http://127.0.0.1:${found.ports.rest}/cluster`, { signal }).catch(
          () => null,
        );
        const { members = [] } = ((await response?.json()) ?? {}) as {
          members?: readonly { role: string; state: string }[];
        };
        return members.some(
          ({ role, state }) => role === 'sync_standby' && ['running', 'streaming'].includes(state),
        );
      },
      limitMs,
    );
    if (found === null) throw new Error('There is no primary.');
    return found;
  }

  /** Changes what all nodes go by, such as `failsafe_mode`. */
  async configure(change: object): Promise<void> {
    const node = (await this.primary()) ?? this.nodes[0];
    const response = await fetch(`http://127.0.0.1:${node.ports.rest}/config`, {
      method: 'PATCH',
      body: JSON.stringify(change),
    });
    if (!response.ok) throw new Error(`Patroni refused the settings: ${await response.text()}`);
  }

  /** A planned change of roles; resolves when Patroni has carried it out. */
  async switchover(): Promise<void> {
    const leader = await this.whole();
    const response = await fetch(`http://127.0.0.1:${leader.ports.rest}/switchover`, {
      method: 'POST',
      body: JSON.stringify({ leader: leader.name, candidate: this.other(leader).name }),
    });
    if (!response.ok) throw new Error(`Patroni refused to switch: ${await response.text()}`);
  }

  startEtcd(): void {
    const { client, peer } = this.#etcd;
    const home = path.join(this.#directory, 'etcd');
    mkdirSync(home, { recursive: true, mode: 0o700 });
    if (this.#owner) chownSync(home, this.#owner.uid, this.#owner.gid);
    const log = openSync(path.join(this.#directory, 'etcd.log'), 'a');
    this.#etcdProcess = spawn(
      '/usr/bin/etcd',
      [
        ['--data-dir', path.join(home, 'data')],
        ['--listen-client-urls', `http://127.0.0.1:${client}`],
        ['--advertise-client-urls', `http://127.0.0.1:${client}`],
        ['--listen-peer-urls', `http://127.0.0.1:${peer}`],
        ['--initial-advertise-peer-urls', `http://127.0.0.1:${peer}`],
        ['--initial-cluster', `default=http://127.0.0.1:${peer}`],
      ].flat(),
      { stdio: ['ignore', log, log], cwd: home, ...this.#owner },
    );
  }

  async stopEtcd(): Promise<void> {
    const child = this.#etcdProcess;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.destroy();
    await this.stopEtcd();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  logOf(node: PatroniNode): string {
    return existsSync(node.logPath) ? readFileSync(node.logPath, 'utf8') : '';
  }
}

/** Short times: a primary that crashed is replaced at once, one that vanished when its lease of 20 s is over. */
function settings(options: {
  name: string;
  home: string;
  password: string;
  etcdPort: number;
  postgres: number;
  rest: number;
}): string {
  const { name, home, password, etcdPort, postgres, rest } = options;
  return `scope: maskline
name: ${name}
restapi:
  listen: 127.0.0.1:${rest}
  connect_address: 127.0.0.1:${rest}
etcd3:
  host: 127.0.0.1:${etcdPort}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    maximum_lag_on_failover: 1048576
    primary_start_timeout: 0
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters:
        max_connections: 100
        wal_log_hints: 'on'
        synchronous_commit: 'on'
        logging_collector: 'off'
        log_statement: all
        log_line_prefix: '%m [%p] <%a> '
        deadlock_timeout: 100ms
  initdb:
    - encoding: UTF8
    - locale: C
  pg_hba:
    - host replication postgres 127.0.0.1/32 scram-sha-256
    - host all all 127.0.0.1/32 scram-sha-256
postgresql:
  listen: 127.0.0.1:${postgres}
  connect_address: 127.0.0.1:${postgres}
  data_dir: ${home}/data
  bin_dir: /usr/lib/postgresql/15/bin
  pgpass: ${home}/pgpass
  authentication:
    superuser: { username: postgres, password: ${password} }
    replication: { username: postgres, password: ${password} }
  parameters:
    unix_socket_directories: ''
watchdog:
  mode: 'off'
`;
}
