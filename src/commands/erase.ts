import { Command } from 'commander';
import { eraseUser } from '../app/erase-user.ts';
import { withPrivacyApp } from './privacy-app.ts';

const HELP = `
Closes the open sessions of that person, and erases from all sessions the number, the caller key and the id. In
backups the number stays shut, as long as the tables data_key and participant_key are not restored from one that is
older than this: docs/security.md says how to back them up. The audit keeps that it was done, by a keyed digest.
Routes rest under the caller key until their quarantine is over, so that a late redial reaches no stranger.

Environment: DATABASE_URL, MASKLINE_MASTER_KEY (or …_FILE), MASKLINE_TENANT (default).`;

export function eraseCommand(): Command {
  return new Command('erase')
    .description('forget a person')
    .requiredOption('--user <id>', 'the userId that sessions and order events gave')
    .option('--tenant <tenant>', 'default: MASKLINE_TENANT')
    .addHelpText('after', HELP)
    .action((options: { user: string; tenant?: string }) =>
      withPrivacyApp(options, async ({ app, tenant, actor }) => {
        const { sessions, closed } = await eraseUser(app, tenant, { userId: options.user, actor });
        // The id itself stays out: a terminal has a history.
        process.stdout.write(`Erased the person from ${sessions} sessions, of which ${closed} were open.\n`);
      }),
    );
}
