#!/usr/bin/env node
import { Command } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { capsCommand } from './commands/caps.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { eraseCommand } from './commands/erase.ts';
import { keysCommand } from './commands/keys.ts';
import { migrateCommand } from './commands/migrate.ts';
import { numbersCommand } from './commands/numbers.ts';
import { pointToHelp } from './commands/point-to-help.ts';
import { providersCommand } from './commands/providers.ts';
import { purchasesCommand } from './commands/purchases.ts';
import { serveCommand } from './commands/serve.ts';
import { tenantsCommand } from './commands/tenants.ts';
import { webhooksCommand } from './commands/webhooks.ts';
import { ConfigError } from './settings-reader.ts';
import { VERSION } from './version.ts';

/** What a shell says of a program that SIGPIPE has ended, which Node ignores. */
const READER_GONE = 141;

const program = new Command('maskline')
  .description(
    'Number masking: two people who share an order call and text each other, and neither learns the other’s number.',
  )
  .version(VERSION)
  .hook('preAction', (_program, action) => {
    // A service that nobody reads goes on; its log knows what to do.
    if (action.name() !== 'serve' && action.name() !== 'dev') endWithReader();
  });

program
  .addCommand(devCommand())
  .addCommand(serveCommand())
  .addCommand(migrateCommand())
  .addCommand(doctorCommand())
  .addCommand(keysCommand())
  .addCommand(providersCommand())
  .addCommand(numbersCommand())
  .addCommand(purchasesCommand())
  .addCommand(capsCommand())
  .addCommand(tenantsCommand())
  .addCommand(eraseCommand())
  .addCommand(auditCommand())
  .addCommand(webhooksCommand())
  .addCommand(deadLettersCommand());

pointToHelp(program);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** `maskline audit list | head` closes the pipe in the middle. That is the end, and no error. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(READER_GONE);
  });
}

/** The sentences that somebody at a terminal can act on; the whole error with MASKLINE_LOG_LEVEL=debug. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (process.env.MASKLINE_LOG_LEVEL === 'debug' && error instanceof Error)
    return error.stack ?? error.message;
  return `maskline: ${error instanceof Error ? error.message : String(error)}`;
}
