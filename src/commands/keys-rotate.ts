import { Command } from 'commander';
import {
  destroySealingKey,
  type KeyReport,
  keyReport,
  rotateDataKeys,
  rotateIndexKey,
  rotateMasterKey,
} from '../app/rotate-keys.ts';
import { integerBetween } from './parse-integer.ts';
import { withPrivacyApp } from './privacy-app.ts';

const ENVIRONMENT =
  'Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_MASTER_KEY_ALSO, MASKLINE_TENANT (default).';
const ROTATE_HELP = `
--master  wraps the data keys by MASKLINE_MASTER_KEY; no row is touched. Before: give every replica the new key as
          MASKLINE_MASTER_KEY_ALSO, then exchange the two. Afterwards: take the old one away.
--data    new values get new sealing keys within 5 s; the service seals what is left anew, in the background.
--index   caller keys are made anew in steps of 15 s or more, while calls go on; see \`maskline keys status\`.

A service with the role \`jobs\` must run for --data and --index to come to their end. It goes on where it stopped.
${ENVIRONMENT}`;

interface TenantOption {
  readonly tenant?: string;
}

/** `maskline keys rotate|status|destroy`: the keys that protect real numbers. */
export function keyRingCommands(): Command[] {
  const rotate = new Command('rotate')
    .description('exchange the master key, the sealing keys or the index key of a tenant')
    .option('--master', 'wrap the data keys by the master key that is set now')
    .option('--data', 'seal with new keys')
    .option('--index', 'make caller keys with a new key')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', ROTATE_HELP)
    .action(rotateKeys);
  const status = new Command('status')
    .description('show the keys, and how far an exchange has come')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((options: TenantOption) =>
      withPrivacyApp(options, async ({ app, tenant }) => {
        print(`Tenant ${tenant}, master key ${app.vault.masterKeys.id}`);
        for (const key of await keyReport(app, tenant)) print(describeKey(key));
      }),
    );
  const destroy = new Command('destroy')
    .description('destroy a sealing key at once, with all that it still seals, in backups too')
    .argument('<id>', 'as `maskline keys status` shows it', integerBetween(1, 2 ** 31 - 1))
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .option('--yes', 'it is meant: nobody can open those numbers again')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((id: number, options: TenantOption & { yes?: boolean }) =>
      withPrivacyApp(options, async ({ app, tenant, actor }) => {
        const key = (await keyReport(app, tenant)).find(({ keyId }) => keyId === id);
        if (key && options.yes !== true) {
          throw new Error(`Key ${id} seals ${key.rows} values. Nobody can open them afterwards; say --yes.`);
        }
        await destroySealingKey(app, tenant, id, actor);
        print(`Destroyed key ${id}. Services stop using it within 5 s.`);
      }),
    );
  return [rotate, status, destroy];
}

async function rotateKeys(
  options: TenantOption & { master?: boolean; data?: boolean; index?: boolean },
): Promise<void> {
  const chosen = [options.master, options.data, options.index].filter((one) => one === true);
  if (chosen.length !== 1) throw new Error('Say which: --master, --data or --index.');
  await withPrivacyApp(options, async ({ app, tenant, actor }) => {
    if (options.master) {
      const wrapped = await rotateMasterKey(app, tenant, actor);
      print(`Wrapped ${wrapped} data keys of tenant ${tenant} by master key ${app.vault.masterKeys.id}.`);
    } else if (options.data) {
      const retired = await rotateDataKeys(app, tenant, actor);
      print(
        `Retired sealing keys ${retired.join(', ')}. See \`maskline keys status\` for what they still seal.`,
      );
    } else {
      const keyId = await rotateIndexKey(app, tenant, actor);
      print(`Made index key ${keyId}. See \`maskline keys status\` for how far it has come.`);
    }
  });
}

function describeKey({ keyId, purpose, state, day, rows, wrappedByCurrent }: KeyReport): string {
  const wrapped = wrappedByCurrent === false ? 'wrapped by another master key' : '';
  const left = purpose === 'fingerprint' || state === 'destroyed' ? '' : `${rows} rows`;
  return [
    String(keyId).padStart(4),
    purpose.padEnd(11),
    (day ?? '').padEnd(10),
    state.padEnd(9),
    left,
    wrapped,
  ]
    .join('  ')
    .trimEnd();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
