import { Buffer } from 'node:buffer';
import { Command, InvalidArgumentError } from 'commander';
import { verifyAudit } from '../app/audit.ts';
import type { AuditHead } from '../storage/audit-storage.ts';
import { createBar } from './create-bar.ts';
import { withPrivacyApp } from './privacy-app.ts';

const ENVIRONMENT = 'Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_TENANT (default).';

export function auditCommand(): Command {
  const audit = new Command('audit').description('read and verify what was done, and by whom');
  audit
    .command('verify')
    .description('check that no row of the audit was changed, deleted, inserted or moved')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .option(
      '--head <seq:hash>',
      'a head that was noted elsewhere: shows that the end was not cut off',
      readHead,
    )
    .addHelpText('after', `\nExit code: 0 when it is whole, 1 when it is not.\n${ENVIRONMENT}`)
    .action(verify);
  audit
    .command('list')
    .description('print the rows as JSON, one a line')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', `\n${ENVIRONMENT}`)
    .action((options: { tenant?: string }) =>
      withPrivacyApp(options, async ({ app, tenant }) => {
        const page = 1_000;
        for (let after = 0, size = page; size === page; ) {
          const rows = await app.storage.run(tenant, (storage) => storage.audit.list(after, page));
          for (const { seq, at, actor, action, subject, details } of rows) {
            print(JSON.stringify({ seq, at: new Date(at).toISOString(), actor, action, subject, details }));
          }
          after = rows.at(-1)?.seq ?? after;
          size = rows.length;
        }
      }),
    );
  return audit;
}

async function verify(options: { tenant?: string; head?: AuditHead }): Promise<void> {
  await withPrivacyApp(options, async ({ app, tenant }) => {
    const head = await app.storage.run(tenant, (storage) => storage.audit.head());
    const bar = process.stdout.isTTY ? createBar({ clearOnComplete: true }) : null;
    bar?.start(head?.seq ?? 0, 0);
    const verdict = await verifyAudit(app, tenant, {
      ...(options.head && { expected: options.head }),
      onProgress: (rows) => bar?.update(rows),
    });
    bar?.stop();
    if (verdict.broken) {
      const { seq, reason } = verdict.broken;
      print(`The audit of tenant ${tenant} is broken at row ${seq}: ${reason}.`);
      process.exitCode = 1;
      return;
    }
    print(`The audit of tenant ${tenant} is whole: ${verdict.rows} rows.`);
    print(`Head, to note elsewhere: ${verdict.head.seq}:${Buffer.from(verdict.head.hash).toString('hex')}`);
  });
}

function readHead(text: string): AuditHead {
  const [, seq, hash] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) {
    throw new InvalidArgumentError('It is <seq>:<64 hexadecimal digits>, as this command prints it.');
  }
  return { seq: Number(seq), hash: Buffer.from(hash, 'hex') };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
