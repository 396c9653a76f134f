import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheDir, fetchJars, jarsDir, KAFKA_VERSION } from './kafka-jars.ts';

// One process is broker and controller (KRaft), without replication: enough to be a real Apache Kafka for tests.
const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 20_000;

const stateDir = process.env.MASKLINE_KAFKA_DIR ?? join(tmpdir(), `maskline-kafka-${userInfo().uid}`);
// Clients are told to come here: to a proxy, with which tests make the way to the broker bad.
const advertisedPort = process.env.MASKLINE_KAFKA_ADVERTISED_PORT;
const statePath = join(stateDir, 'state.json');
const propertiesPath = join(stateDir, 'server.properties');
const logPath = join(stateDir, 'server.log');
const lockPath = `${stateDir}.lock`;

interface BrokerState {
  readonly port: number;
  readonly controllerPort: number;
  readonly clusterId: string;
  /** null once it was stopped */
  readonly pid: number | null;
}

const usage = `usage: scripts/kafka start|stop|status|clean

  start   fetches Apache Kafka ${KAFKA_VERSION} with Maven unless it is cached, starts it unless it runs,
          and prints its bootstrap address as the last line; data and port stay from one start to the next
  stop    ends that broker and no other process; its data stay
  status  prints the bootstrap address, or says that it does not run (exit code 1)
  clean   stops it and removes its data

Cache: $MASKLINE_CACHE_DIR (${cacheDir}). State and data: $MASKLINE_KAFKA_DIR (${stateDir}).`;

async function main(command: string | undefined): Promise<number> {
  switch (command) {
    case 'start':
      return locked(start);
    case 'stop':
      return locked(stop);
    case 'clean':
      return locked(async () => {
        await stop();
        rmSync(stateDir, { recursive: true, force: true });
        return 0;
      });
    case 'status': {
      const state = readState();
      const runs = state !== null && isRunning(state);
      console.log(runs ? `127.0.0.1:${state.port}` : 'Kafka does not run.');
      return runs ? 0 : 1;
    }
    default:
      console.error(usage);
      return 2;
  }
}

async function start(): Promise<number> {
  const before = readState();
  if (before && isRunning(before) && (await accepts(before.port))) {
    console.log(`127.0.0.1:${before.port}`);
    return 0;
  }
  fetchJars();
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const state: BrokerState =
    before && (await isFree(before.port)) && (await isFree(before.controllerPort))
      ? { ...before, pid: null }
      : {
          port: await freePort(),
          controllerPort: await freePort(),
          clusterId: before?.clusterId ?? randomBytes(16).toString('base64url'),
          pid: null,
        };
  writeFileSync(propertiesPath, properties(state));
  writeFileSync(join(stateDir, 'log4j2.properties'), LOG4J);
  if (!existsSync(join(stateDir, 'data', 'meta.properties'))) {
    execFileSync(
      'java',
      // In one word, because one id in 64 begins with a dash.
      java('kafka.tools.StorageTool', 'format', `--cluster-id=${state.clusterId}`, '-c', propertiesPath),
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }
  const log = openSync(logPath, 'w');
  const broker = spawn('java', java('kafka.Kafka', propertiesPath), {
    cwd: stateDir,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  if (broker.pid === undefined) throw new Error('Java could not be started.');
  broker.unref();
  writeState({ ...state, pid: broker.pid });
  await waitUntilReady(state.port, () => broker.exitCode !== null);
  console.log(`127.0.0.1:${state.port}`);
  return 0;
}

async function stop(): Promise<number> {
  const state = readState();
  if (!state || state.pid === null || !isRunning(state)) {
    console.log('Kafka does not run.');
    return 0;
  }
  process.kill(state.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (isRunning(state)) {
    if (Date.now() > deadline) {
      process.kill(state.pid, 'SIGKILL');
      break;
    }
    await sleep(100);
  }
  writeState({ ...state, pid: null });
  console.log('Kafka was stopped.');
  return 0;
}

function java(mainClass: string, ...parameters: string[]): string[] {
  const log4j = `-Dlog4j2.configurationFile=${join(stateDir, 'log4j2.properties')}`;
  return ['-Xms128m', '-Xmx512m', log4j, '-cp', join(jarsDir, '*'), mainClass, ...parameters];
}

const LOG4J = `rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d %p %c: %m%n
`;

function properties({ port, controllerPort }: BrokerState): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${advertisedPort ?? port}
controller.listener.names=CONTROLLER
log.dirs=${join(stateDir, 'data')}
auto.create.topics.enable=false
num.partitions=3
offsets.topic.num.partitions=5
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A test should not wait for members that will not come.
group.initial.rebalance.delay.ms=0
`;
}

/** Whether the process that we started is still that process: its number may serve another by now. */
function isRunning(state: BrokerState): boolean {
  if (state.pid === null) return false;
  try {
    const command = execFileSync('ps', ['-o', 'command=', '-p', String(state.pid)], { encoding: 'utf8' });
    return command.includes(propertiesPath);
  } catch {
    return false;
  }
}

async function waitUntilReady(port: number, hasExited: () => boolean): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(readFileSync(logPath, 'utf8').includes('Kafka Server started') && (await accepts(port)))) {
    if (hasExited() || Date.now() > deadline) {
      const tail = readFileSync(logPath, 'utf8').split('\n').slice(-15).join('\n');
      throw new Error(`Kafka did not start; see ${logPath}:\n${tail}`);
    }
    await sleep(200);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}

function listen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null));
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  return (await listen(port)) !== null;
}

async function freePort(): Promise<number> {
  const port = await listen(0);
  if (port === null) throw new Error('There is no free port on 127.0.0.1.');
  return port;
}

function readState(): BrokerState | null {
  if (!existsSync(statePath)) return null;
  return JSON.parse(readFileSync(statePath, 'utf8')) as BrokerState;
}

function writeState(state: BrokerState): void {
  writeFileSync(`${statePath}.new`, JSON.stringify(state));
  renameSync(`${statePath}.new`, statePath);
}

/** Two starts at once would be two brokers on one data directory. */
async function locked(work: () => Promise<number>): Promise<number> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const holder = Number(existsSync(lockPath) && readFileSync(lockPath, 'utf8'));
      if (!isAlive(holder)) rmSync(lockPath, { force: true });
      else if (Date.now() > deadline) throw new Error(`Process ${holder} holds ${lockPath}.`);
      else await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lockPath, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
