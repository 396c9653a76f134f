import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm test`: every test that this machine can run in less than three minutes. It starts what it can (an embedded
 * PostgreSQL; for the long ones a real Kafka broker), finds what is installed (Chromium, the SIP parts), and says plainly what it
 * left out and why. `npm run test:all`, and CI, add the long ones: replicas that are killed, real SIP calls, the
 * simulation. Arguments go to Vitest, so `npm test -- src/domain` runs a part.
 */
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const SIP_PROGRAMS = ['kamailio', 'rtpengine', 'sipp', 'baresip', 'tcpdump', 'sox', 'ip'];

const leftOut: string[] = [];
const everything = process.argv.includes('--everything') || process.env.CI === 'true';
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== '--everything');
const environment: NodeJS.ProcessEnv = { ...process.env };
let startedKafka = false;

findChromium();
environment.MASKLINE_TEST_POSTGRES ??= '1';
// The product is started some two hundred times, and half of a start is compiling.
environment.NODE_COMPILE_CACHE ??= path.join(ROOT, 'node_modules/.cache/maskline/compiled');
// Only the long ones talk to a broker; a part that was asked for by name may be one of them.
if (everything || vitestArguments.length > 0) startKafka();
const projects = chooseProjects();

const outputDir = mkdtempSync(path.join(tmpdir(), 'maskline-test-'));
const outputFile = path.join(outputDir, 'result.json');
const exitCode = await runVitest();
const { passed, failed, skipped } = readResult();
rmSync(outputDir, { recursive: true, force: true });
if (startedKafka) {
  spawnSync(path.join(ROOT, 'scripts/kafka'), ['stop'], { env: environment, stdio: 'ignore' });
  rmSync(environment.MASKLINE_KAFKA_DIR ?? '', { recursive: true, force: true });
}

console.log('');
if (skipped > 0) {
  leftOut.push(
    `${skipped} cases that do not apply to an adapter, or are long forms with a switch of their own (MASKLINE_FAULTS=long, MASKLINE_PATRONI=1, MASKLINE_ROTATION_ROUTES=4000). CONTRIBUTING.md and docs/reliability.md say more.`,
  );
}
if (leftOut.length === 0) console.log('Nothing was left out.');
for (const line of leftOut) console.log(`Left out: ${line}`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(exitCode !== 0 || failed > 0 || passed === 0 ? 1 : 0);

function chooseProjects(): string[] {
  if (!everything && vitestArguments.length > 0) return ['unit', 'system', 'thorough', 'timed'];
  if (!everything) {
    leftOut.push(
      'the long ones (adapters and replicas under faults, the search for leaked numbers, real SIP calls, simulation). Run: npm run test:all',
    );
    return ['unit', 'system'];
  }
  const withoutSip = ['unit', 'system', 'thorough', 'simulation', 'production', 'timed', 'faults'];
  const missing = SIP_PROGRAMS.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) return [...withoutSip, 'sip'];
  leftOut.push(`real SIP calls, which need ${missing.join(', ')}. sip/README.md says how to install them.`);
  return withoutSip;
}

function findChromium(): void {
  const found = process.env.CHROMIUM_PATH ?? CHROMIUM_PATHS.find((candidate) => existsSync(candidate));
  if (found) environment.CHROMIUM_PATH = found;
  else
    leftOut.push(
      'the pages in a browser. Install Chromium (Debian: apt-get install chromium) or set CHROMIUM_PATH.',
    );
}

function startKafka(): void {
  if (environment.KAFKA_BROKERS) return;
  if (spawnSync('java', ['-version']).status !== 0 || spawnSync('mvn', ['-version']).status !== 0) {
    leftOut.push(
      'Apache Kafka. Install Java 17 or later and Maven, or set KAFKA_BROKERS to a broker for tests.',
    );
    return;
  }
  // A broker of its own: stopping it must not stop one that somebody develops on.
  environment.MASKLINE_KAFKA_DIR ??= mkdtempSync(path.join(tmpdir(), 'maskline-kafka-'));
  console.log('Starting an Apache Kafka broker (the first time it is fetched, which takes a minute) …');
  const started = spawnSync(path.join(ROOT, 'scripts/kafka'), ['start'], {
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = started.stdout?.trim().split('\n').at(-1) ?? '';
  if (started.status !== 0 || !/^[^:\s]+:[0-9]+$/.test(address)) {
    leftOut.push('Apache Kafka: scripts/kafka start failed; its words stand above.');
    return;
  }
  startedKafka = true;
  environment.KAFKA_BROKERS = address;
}

function runVitest(): Promise<number> {
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
  const child = spawn(
    process.execPath,
    [...args, ...projects.flatMap((name) => ['--project', name]), ...vitestArguments],
    {
      cwd: ROOT,
      env: environment,
      stdio: 'inherit',
    },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

function readResult(): { passed: number; failed: number; skipped: number } {
  if (!existsSync(outputFile)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(outputFile, 'utf8')) as Record<string, number>;
  return {
    passed: result.numPassedTests ?? 0,
    failed:
      (result.numFailedTests ?? 0) +
      (result.numFailedTestSuites && !result.numFailedTests ? result.numFailedTestSuites : 0),
    skipped: (result.numPendingTests ?? 0) + (result.numTodoTests ?? 0),
  };
}
