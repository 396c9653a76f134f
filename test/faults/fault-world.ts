import { statement, systemScope } from '../../src/storage/sql/connection.ts';
import { createDeployment, type Deployment, type DeploymentOptions } from '../production/deployment.ts';
import { Replica, type ReplicaOptions } from '../production/replica.ts';
import { until } from '../system/product.ts';
import { CallLoad, type PhaseReport } from './load/call-load.ts';
import { OrderStream } from './load/order-stream.ts';
import { FaultProxy, type FaultProxyOptions } from './proxy/fault-proxy.ts';

const decidedCalls = statement(
  'fault_calls',
  `select provider_call_id as "callId", decision, state from call where provider_call_id like any($1)`,
);

export interface FaultWorldOptions {
  readonly brokers: string;
  /** default 2 */
  readonly replicas?: number;
  /** live orders from the start; default 200 */
  readonly bindings?: number;
  readonly callsPerSecond?: number;
  /** assigned, and as many completed */
  readonly ordersPerSecond?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** of each replica, beside what they have in common */
  readonly ofReplica?: readonly Readonly<Record<string, string>>[];
  readonly postgres?: Record<string, string>;
  /** then there is no proxy in front of it */
  readonly given?: DeploymentOptions['given'];
  readonly tap?: FaultProxyOptions['tap'];
  readonly replicaOptions?: ReplicaOptions;
}

const DEFAULTS = { replicas: 2, bindings: 200, callsPerSecond: 20, ordersPerSecond: 4 };

/** Replicas of the product on a real PostgreSQL behind a fault proxy and a real Kafka, with orders and calls. */
export class FaultWorld {
  readonly deployment: Deployment;
  readonly proxy: FaultProxy;
  readonly replicas: readonly Replica[];
  readonly orders: OrderStream;
  readonly calls: CallLoad;
  /** what a further replica needs */
  readonly environment: Readonly<Record<string, string>>;

  private constructor(parts: Omit<FaultWorld, 'phase' | 'check' | 'stop' | 'passed' | 'assertAlive'>) {
    this.deployment = parts.deployment;
    this.proxy = parts.proxy;
    this.replicas = parts.replicas;
    this.orders = parts.orders;
    this.calls = parts.calls;
    this.environment = parts.environment;
  }

  static async start(options: FaultWorldOptions): Promise<FaultWorld> {
    const settings = { ...DEFAULTS, ...options };
    const deployment = await createDeployment(options.brokers, {
      numbers: 8_000,
      ...(options.postgres && { postgres: options.postgres }),
      ...(options.given && { given: options.given }),
    });
    const url = new URL(options.given?.adminUrl ?? deployment.databaseUrl);
    const proxy = await FaultProxy.start({
      upstream: { host: url.hostname, port: Number(url.port) },
      ...(options.tap && { tap: options.tap }),
    });
    url.host = `127.0.0.1:${proxy.port}`;
    const environment = {
      ...deployment.environment,
      ...(!options.given && { DATABASE_URL: url.href }),
      ...options.environment,
    };
    const replicas = await Promise.all(
      Array.from({ length: settings.replicas }, (_, i) =>
        Replica.start({ ...environment, ...options.ofReplica?.[i] }, options.replicaOptions),
      ),
    );
    const orders = new OrderStream(deployment);
    await orders.listen();
    await orders.open(settings.bindings);
    const { callsPerSecond, ordersPerSecond } = settings;
    const ports = replicas.map(({ port }) => port);
    const calls = new CallLoad({ ports, orders, callsPerSecond });
    calls.start();
    orders.start(ordersPerSecond);
    return new FaultWorld({ deployment, proxy, replicas, orders, calls, environment });
  }

  /** Calls that begin while `work` goes on, counted by themselves. */
  async phase(name: string, work: () => Promise<unknown>): Promise<PhaseReport> {
    this.calls.phase(name);
    await work();
    this.calls.phase(`after ${name}`);
    await this.calls.drained();
    return this.calls.report(name);
  }

  /** For the time that a fault lasts. */
  async passed(ms: number): Promise<void> {
    const from = performance.now();
    await until('the time to pass', () => performance.now() - from >= ms, ms + 10_000);
  }

  /** No process has ended. */
  assertAlive(): void {
    for (const replica of this.replicas) {
      if (replica.exited) throw new Error(`A replica has ended:\n${replica.output.slice(-2_000)}`);
    }
  }

  /** The whole history: orders and calls. @throws Error that says what is wrong */
  async check(): Promise<object> {
    await this.orders.settle();
    await this.calls.stop();
    if (this.calls.complaints.length > 0) throw new Error(this.calls.complaints.slice(0, 5).join(' '));
    const orders = await this.orders.check(this.deployment.database);
    return { ...orders, calls: await this.#checkCalls() };
  }

  async stop(): Promise<void> {
    await this.calls.stop();
    await this.orders.close();
    await Promise.all(this.replicas.map((replica) => replica.kill('SIGKILL')));
    await this.proxy.close();
    await this.deployment.stop();
  }

  /** Each connected call has one record that says so, and has ended when its end was acknowledged. */
  async #checkCalls(): Promise<number> {
    const rows = await this.deployment.database.run(systemScope, (connection) =>
      connection.query<{ callId: string; decision: string; state: string }>(decidedCalls, [['%-call-%']]),
    );
    const records = new Map(rows.map((row) => [row.callId, row]));
    for (const [callId, ended] of this.calls.connectedCalls) {
      const record = records.get(callId);
      if (record?.decision !== 'bridge') {
        throw new Error(`Call ${callId} was connected, and its record is ${JSON.stringify(record)}.`);
      }
      if (ended && record.state !== 'ended')
        throw new Error(`Call ${callId} has ended, and is recorded open.`);
    }
    return this.calls.connectedCalls.size;
  }
}
