import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { inspectServeConfig } from '../config.ts';
import { DataDirectory } from '../data-directory.ts';
import { systemRandom } from '../lib/random.ts';
import { auditCommand } from './audit.ts';
import { capsCommand } from './caps.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { eraseCommand } from './erase.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { numbersCommand } from './numbers.ts';
import { pointToHelp } from './point-to-help.ts';
import { providersCommand } from './providers.ts';
import { purchasesCommand } from './purchases.ts';
import { serveCommand } from './serve.ts';
import { tenantsCommand } from './tenants.ts';
import { webhooksCommand } from './webhooks.ts';

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url));

const COMMANDS = [
  ...[auditCommand, capsCommand, deadLettersCommand, devCommand, doctorCommand, eraseCommand, keysCommand],
  ...[migrateCommand, numbersCommand, providersCommand, purchasesCommand, serveCommand, tenantsCommand],
  webhooksCommand,
];

/** `maskline`, which says everything to `said` and ends no process. */
function createProgram(said: (text: string) => void): { program: Command; all: readonly Command[] } {
  const program = new Command('maskline');
  for (const create of COMMANDS) program.addCommand(create());
  pointToHelp(program);
  const all = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)];
  for (const command of all) command.exitOverride().configureOutput({ writeErr: said, writeOut: said });
  return { program, all };
}

/** What it says to these words, which are refused before anything is done. */
async function refusalOf(args: readonly string[]): Promise<string> {
  let said = '';
  const { program } = createProgram((text) => (said += text));
  await expect(program.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 });
  return said;
}

/** `maskline …` as somebody types it, with these settings alone. */
function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env.PATH ?? '', ...environment };
  return spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
}

describe('the help of every command', () => {
  let said = '';
  const { all } = createProgram((text) => (said += text));
  const leaves = all.filter(({ commands }) => commands.length === 0);

  it.each(leaves.map((command) => [`${command.parent?.name()} ${command.name()}`, command] as const))(
    'says of %s which settings it reads, what each argument is, and what has to be given',
    (_name, command) => {
      said = '';
      command.outputHelp();
      expect(said).toContain('Environment');
      expect(said).not.toContain('["');
      for (const argument of command.registeredArguments) expect(argument.description).not.toBe('');
      const required = command.options.filter(({ mandatory }) => mandatory);
      expect(said.match(/\(required\)/g) ?? []).toHaveLength(required.length);
    },
  );
});

describe('a command line that cannot be read', () => {
  it.each([
    ['frobnicate', "unknown command 'frobnicate'", 'maskline'],
    ['serve --quickly', "unknown option '--quickly'", 'maskline serve'],
    ['numbers search', "'--account <name>' not specified", 'maskline numbers search'],
    ['numbers search --country UK', 'The United Kingdom is GB.', 'maskline numbers search'],
    ['providers add twillio', 'Allowed choices are asterisk,', 'maskline providers add'],
    ['dead-letters redrive orders/1/2 --al', 'Did you mean --all?', 'maskline dead-letters redrive'],
    [
      'dead-letters redrive orders/1/2 orders',
      '<topic>/<partition>/<offset>',
      'maskline dead-letters redrive',
    ],
  ])('is refused with what is wrong and where the help is: %s', async (line, wrong, command) => {
    const said = await refusalOf(line.split(' '));
    expect(said).toContain(wrong);
    expect(said).toContain(`Run \`${command} --help\``);
  });
});

describe('a command whose reader goes away', () => {
  it('ends without a word', async () => {
    const child = start(['doctor']);
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.stdout.destroy();
    await once(child, 'close');
    expect([child.exitCode, stderr]).toEqual([141, '']);
  });
});

describe('a Kafka that does not answer', () => {
  it('is no long wait for its dead letters, but a sentence with the cause and what to look at', async () => {
    const child = start(['dead-letters', 'list'], { KAFKA_BROKERS: '127.0.0.1:9' });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    await once(child, 'close');
    expect(child.exitCode).toBe(1);
    expect(stderr).toMatch(/^maskline: .*ECONNREFUSED 127\.0\.0\.1:9.*KAFKA_BROKERS.*maskline doctor/);
  });
});

describe('a file that cannot be used', () => {
  it('is named with its setting: the data directory', () => {
    expect(() => new DataDirectory(`${CLI}/data`, systemRandom)).toThrow(
      `${CLI}/data cannot be made. Set MASKLINE_DATA_DIR`,
    );
  });

  it('is named, and nothing is said to be missing: the master key', () => {
    const { violations } = inspectServeConfig({ MASKLINE_MASTER_KEY_FILE: '/nowhere/key' });
    const ofKey = violations.filter((violation) => violation.includes('MASTER_KEY'));
    expect(ofKey).toEqual([expect.stringContaining('MASKLINE_MASTER_KEY_FILE cannot be read')]);
  });
});
