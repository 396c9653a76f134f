import { Command, InvalidArgumentError } from 'commander';
import { changeWebhook, replayWebhook } from '../app/webhooks.ts';
import { recordAudit } from '../app/audit.ts';
import { integerBetween } from './parse-integer.ts';
import { withPrivacyApp } from './privacy-app.ts';

const HOUR_MS = 3_600_000;
const HOURS_MAXIMUM = 720;
const ENVIRONMENT = 'Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_TENANT (default).';

interface TenantOption {
  readonly tenant?: string;
}

/** For operators; tenants make and change their webhooks through the API. */
export function webhooksCommand(): Command {
  const webhooks = new Command('webhooks').description(
    'look at outgoing webhooks, and have events sent again',
  );
  webhooks
    .command('list')
    .description('list them, without their secrets')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((options: TenantOption) =>
      withPrivacyApp(options, async ({ app, tenant }) => {
        const rows = await app.storage.run(tenant, (s) => s.webhooks.list({ limit: 500, after: null }));
        if (rows.length === 0) print(`Tenant ${tenant} has no webhook. Make one with POST /v1/webhooks.`);
        for (const { id, state, url, eventTypes, disabledReason } of rows) {
          print([id, state, url, eventTypes.join(','), disabledReason ?? ''].join('  ').trimEnd());
        }
      }),
    );
  webhooks
    .command('replay')
    .description('send again what failed in the last hours')
    .argument('<id>', 'as `maskline webhooks list` shows it', webhookId)
    .option('--hours <hours>', 'how far back', integerBetween(1, HOURS_MAXIMUM), 24)
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((id: string, options: TenantOption & { hours: number }) =>
      withPrivacyApp(options, async ({ app, tenant, actor }) => {
        const since = app.clock.now() - options.hours * HOUR_MS;
        const replayed = await replayWebhook(app, { tenant, id, deliveryId: null, since });
        if (replayed === null) throw new Error(`Tenant ${tenant} has no webhook ${id}.`);
        const details = { hours: options.hours, replayed };
        await recordAudit(app, tenant, { actor, action: 'webhook.replayed', subject: id, details });
        print(`${replayed} deliveries wait again.`);
      }),
    );
  webhooks
    .command('disable')
    .description('send nothing more to it')
    .argument('<id>', 'as `maskline webhooks list` shows it', webhookId)
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((id: string, options: TenantOption) =>
      withPrivacyApp(options, async ({ app, tenant, actor }) => {
        const changed = await changeWebhook(app, { tenant, id, state: 'disabled' });
        if (!changed) throw new Error(`Tenant ${tenant} has no webhook ${id}.`);
        await recordAudit(app, tenant, {
          actor,
          action: 'webhook.changed',
          subject: id,
          details: { fields: ['state'] },
        });
        print(`Disabled ${id}.`);
      }),
    );
  return webhooks;
}

function webhookId(text: string): string {
  if (!/^whk_[0-9a-z]{26}$/.test(text)) throw new InvalidArgumentError('It begins with whk_.');
  return text;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
