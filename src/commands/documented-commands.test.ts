import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { auditCommand } from './audit.ts';
import { capsCommand } from './caps.ts';
import { deadLettersCommand } from './dead-letters.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { eraseCommand } from './erase.ts';
import { keysCommand } from './keys.ts';
import { migrateCommand } from './migrate.ts';
import { numbersCommand } from './numbers.ts';
import { providersCommand } from './providers.ts';
import { purchasesCommand } from './purchases.ts';
import { serveCommand } from './serve.ts';
import { tenantsCommand } from './tenants.ts';
import { webhooksCommand } from './webhooks.ts';

// A reader types what the pages say: every command and option in them has to exist.

const ROOT = new URL('../../', import.meta.url);
const COMMANDS = new Command('maskline');
for (const command of [
  ...[auditCommand(), capsCommand(), deadLettersCommand(), devCommand(), doctorCommand(), eraseCommand()],
  ...[keysCommand(), migrateCommand(), numbersCommand(), providersCommand(), purchasesCommand()],
  ...[serveCommand(), tenantsCommand(), webhooksCommand()],
]) {
  COMMANDS.addCommand(command);
}

const PAGES = ['README.md', 'docs/operations.md', 'docs/security.md', 'deploy/README.md'].concat(
  readdirSync(fileURLToPath(new URL('docs/providers/', ROOT))).map((page) => `docs/providers/${page}`),
);

/** What follows `maskline` in code, up to whatever ends a command. */
function commandsIn(page: string): string[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const code = [...text.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return code.flatMap((part) =>
    part
      .split('\n')
      .map((line) => /(?:^|[\s(;&])maskline((?: [^\s#<>;&)]+)*)/.exec(` ${line}`)?.[1]?.trim() ?? '')
      .filter((command) => /^[a-z]/.test(command)),
  );
}

/** What is wrong with a command line, or null. `list|add` stands for each of them. */
function faultOf(line: string): string | null {
  const words = line.split(' ');
  let at = COMMANDS;
  for (const [index, word] of words.entries()) {
    if (word.startsWith('--')) {
      const [name = ''] = word.split('=');
      if (name === '--help' || at.options.some((option) => option.long === name)) continue;
      return `"${at.name()}" has no option ${name}`;
    }
    if (at.commands.length === 0 || words[index - 1]?.startsWith('--')) continue;
    const found = word.split('|').map((name) => at.commands.find((each) => each.name() === name));
    if (found.some((each) => each === undefined)) return `"${at.name()}" has no command ${word}`;
    at = found[0] ?? at;
  }
  return null;
}

describe('the commands in the documentation', () => {
  it.each(PAGES)('exist, with their options: %s', (page) => {
    expect(commandsIn(page).flatMap((line) => faultOf(line) ?? [])).toEqual([]);
  });

  it('are found, and would be found out', () => {
    expect(commandsIn('docs/providers/twilio.md').length).toBeGreaterThan(8);
    expect(faultOf('numbers sync --account twilio --repoint')).toBeNull();
    expect(faultOf('purchases list|request|approve')).toBeNull();
    expect(faultOf('numbers steal')).toContain('no command steal');
    expect(faultOf('purchases list|steal')).toContain('no command');
    expect(faultOf('providers add twilio --password x')).toContain('no option --password');
  });

  it('take a reader of each page that sells numbers from an account to a call', () => {
    for (const name of ['exotel', 'plivo', 'signalwire', 'telnyx', 'twilio', 'vonage']) {
      const said = commandsIn(`docs/providers/${name}.md`);
      for (const step of [
        `providers add ${name} --credentials-file`,
        `providers test ${name}`,
        `numbers provision --account ${name} --pool trial`,
        `numbers decommission --account ${name}`,
      ]) {
        expect(
          said.some((line) => line.startsWith(step)),
          `${name}: ${step}`,
        ).toBe(true);
      }
    }
  });
});
