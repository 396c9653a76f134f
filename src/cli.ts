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
import { providersCommand } from './commands/providers.ts';
import { purchasesCommand } from './commands/purchases.ts';
import { serveCommand } from './commands/serve.ts';
import { tenantsCommand } from './commands/tenants.ts';
import { webhooksCommand } from './commands/webhooks.ts';
import { ConfigError } from './settings-reader.ts';
import { VERSION } from './version.ts';

const program = new Command('maskline')
  .description(
    'Number masking: two people who share an order call and text each other, and neither learns the other’s number.',
  )
  .version(VERSION)
  .showHelpAfterError('Run `maskline --help` for the commands.');

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

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
}

/** The sentences that somebody at a terminal can act on; the whole error with MASKLINE_LOG_LEVEL=debug. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (process.env.MASKLINE_LOG_LEVEL === 'debug' && error instanceof Error)
    return error.stack ?? error.message;
  return `maskline: ${error instanceof Error ? error.message : String(error)}`;
}
