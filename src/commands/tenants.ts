import { Command, InvalidArgumentError } from 'commander';
import { readDatabaseConfig } from '../config.ts';
import { systemClock } from '../lib/clock.ts';
import { createSqlStorage } from '../storage/sql/sql-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { withCommandDatabase } from './command-database.ts';
import { auditedWithKey } from './privacy-app.ts';

export function tenantsCommand(): Command {
  const tenants = new Command('tenants').description(
    'add and list the companies whose pools and sessions these are',
  );
  tenants
    .command('add')
    .description('add a tenant; its keys are made on first use')
    .argument('<tenant>', 'lower-case letters, digits, _ and -; up to 63', tenantName)
    .option('--name <name>', 'what people call it; default: the same')
    .addHelpText(
      'after',
      '\nThen: maskline keys create <name> --tenant <tenant>.\nEnvironment: DATABASE_URL; MASKLINE_MASTER_KEY, for the row in the audit.',
    )
    .action((tenant: string, options: { name?: string }) =>
      withStorage(async (storage) => {
        if ((await storage.system.tenantList()).includes(tenant)) {
          throw new Error(`There is a tenant "${tenant}" already.`);
        }
        await storage.system.tenantInsert(tenant, options.name ?? tenant, systemClock.now());
        // The first row of its own audit; there was no audit that could hold it before.
        const act = { action: 'tenant.added', subject: tenant, details: {} };
        await auditedWithKey(storage, tenant, act, async () => {});
        print(`Added tenant ${tenant}.`);
      }),
    );
  tenants
    .command('list')
    .description('list the tenants')
    .addHelpText('after', '\nEnvironment: DATABASE_URL.')
    .action(() =>
      withStorage(async (storage) => {
        for (const tenant of await storage.system.tenantList()) print(tenant);
      }),
    );
  return tenants;
}

function withStorage(work: (storage: Storage) => Promise<void>): Promise<void> {
  return withCommandDatabase(readDatabaseConfig(process.env), (database) => work(createSqlStorage(database)));
}

function tenantName(text: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) {
    throw new InvalidArgumentError('It may hold lower-case letters, digits, _ and -, up to 63 of them.');
  }
  return text;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
