import { type AnswerBench, type Measurement, median, type ServerName } from './answer-bench.ts';

const CONNECTIONS = 64;

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  progress(text: string): void;
}

/** Rounds in turn, another server first each time. A round is as long as was wanted, whoever answers. */
export async function measureRounds<Name extends ServerName>(
  bench: AnswerBench,
  servers: readonly Name[],
  { rounds, seconds, progress }: RoundsOptions,
): Promise<Record<Name, Measurement[]>> {
  const measured = {} as Record<Name, Measurement[]>;
  const requests = new Map<Name, number>();
  for (const name of servers) {
    measured[name] = [];
    await bench.warmUp(name, 2_000);
    // This says how many are answered in a round.
    const { perSecond } = await bench.measure(name, { requests: 3_000, connections: CONNECTIONS });
    requests.set(name, Math.ceil(perSecond * seconds));
  }
  await bench.settle();
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (let i = 0; i < servers.length; i++) {
      const name = servers[(round + i) % servers.length] as Name;
      const round_ = { requests: requests.get(name) ?? 1_000, connections: CONNECTIONS };
      measured[name].push(await bench.measure(name, round_));
    }
  }
  return measured;
}

export function ratiosOf(of: readonly Measurement[], to: readonly Measurement[]): number[] {
  return of.map((one, i) => one.perSecond / (to[i]?.perSecond ?? Number.NaN));
}

export function processorTime(
  measured: Readonly<Record<string, readonly Measurement[]>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(measured).flatMap(([name, rounds]) => [
      [`µs of the serving thread, ${name}`, round(median(rounds.map((one) => one.serverMicros)), 1)],
      [`µs of the client, ${name}`, round(median(rounds.map((one) => one.clientMicros)), 1)],
    ]),
  );
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Calls that nobody was connected by, over all rounds. */
export function sumOf(measured: readonly Measurement[]): number {
  return measured.reduce((sum, one) => sum + one.unconnected, 0);
}
