import type { Clock } from '../src/lib/clock.ts';
import type { Random } from '../src/lib/random.ts';
import type { SimulatorAccount } from './exchange/account-webhooks.ts';
import { Exchange } from './exchange/exchange.ts';
import { openStateDatabase } from './exchange/state-database.ts';
import { sendWebhook } from './exchange/webhook-sender.ts';
import { createSimulatorApp } from './http/simulator-app.ts';

export interface SimulatorOptions {
  readonly host: string;
  /** 0 takes a free port */
  readonly port: number;
  /** what survives `kill -9`; null keeps everything in memory */
  readonly stateFile: string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly account: SimulatorAccount;
  /** one line without phone numbers for each thing that went wrong */
  readonly log?: (line: string) => void;
}

export interface Simulator {
  /** without a slash at the end */
  readonly url: string;
  /** Ends every call, lets status callbacks out for up to two seconds, and closes. Stopping twice is safe. */
  stop(): Promise<void>;
}

/**
 * Starts the telecom operator of demos, tests and load.
 * @throws Error of the system when it cannot listen (`EADDRINUSE`, `EACCES` …), and Error when the state file is
 *   in use or of another version
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { host, port, clock, random, account } = options;
  const log = options.log ?? (() => undefined);
  const database = openStateDatabase(options.stateFile);
  const exchange = new Exchange({ clock, random, database, account, webhookSender: sendWebhook, log });
  const app = createSimulatorApp({ exchange, clock, random, log });
  const shutDown = async (): Promise<void> => {
    await exchange.stop();
    await app.close();
    database.close();
  };
  try {
    const url = await app.listen({ host, port });
    let stopping: Promise<void> | null = null;
    return {
      url,
      stop: () => {
        stopping ??= shutDown();
        return stopping;
      },
    };
  } catch (error) {
    await shutDown();
    throw error;
  }
}
