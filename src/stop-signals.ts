import type { Log } from './observe/log.ts';

const EXIT_AT_ONCE = 130;

/**
 * The first SIGINT or SIGTERM drains: what is in hand is finished. The second ends the process at once; nothing
 * that was acknowledged is lost by that, because it is durable before it is acknowledged.
 */
export function onStopSignals(log: Log, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(EXIT_AT_ONCE);
    stopping = true;
    log.info({ signal }, 'Stopping: finishing what is in hand. Once more to stop at once.');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ error }, 'Stopping failed.');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
