import { randomUUID } from 'node:crypto';
import type { Replica } from './replica.ts';
import { filledSession } from './rotation-fill.ts';

const PATIENCE_MS = 3_000;
/** Coprime to every number of sessions that tests fill, so that each session is called once before any is twice. */
const STRIDE = 7_919;

export interface RotationReport {
  readonly asked: number;
  /** refused, or not answered at all */
  readonly failed: number;
  /** answered neutrally, because the decision took more than 400 ms: a matter of the machine, not of the keys */
  readonly tooLate: number;
  readonly failures: readonly string[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Calls of filled sessions, in both directions, so many a second, each answered by one of the replicas. */
export class RotationLoad {
  readonly #replicas: () => readonly Replica[];
  readonly #apiKey: string;
  readonly #sessions: number;
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #times: number[] = [];
  #failures: string[] = [];
  #tooLate = 0;
  #next = 0;

  constructor(options: {
    readonly replicas: () => readonly Replica[];
    readonly apiKey: string;
    readonly sessions: number;
    readonly perSecond: number;
  }) {
    this.#replicas = options.replicas;
    this.#apiKey = options.apiKey;
    this.#sessions = options.sessions;
    this.#timer = setInterval(() => {
      const asking = this.#dial(this.#next++);
      this.#running.add(asking);
      void asking.finally(() => this.#running.delete(asking));
    }, 1_000 / options.perSecond);
  }

  /** so many were answered, or failed, since the last report */
  get settled(): number {
    return this.#times.length + this.#failures.length + this.#tooLate;
  }

  /** What happened since the last time that it was asked. */
  report(): RotationReport {
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number) => Math.round((times[Math.floor(share * times.length)] ?? 0) * 10) / 10;
    const failures = this.#failures;
    const report = {
      ...{ asked: this.settled, failed: failures.length, tooLate: this.#tooLate },
      ...{ failures: failures.slice(0, 5), p50Ms: at(0.5), p99Ms: at(0.99) },
    };
    [this.#times, this.#failures, this.#tooLate] = [[], [], 0];
    return report;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  async #dial(n: number): Promise<void> {
    const { customer, driver, aaa, ddd } = filledSession((n * STRIDE) % this.#sessions);
    const question =
      n % 2 === 0
        ? { callingNumber: customer, calledNumber: ddd, callId: randomUUID() }
        : { callingNumber: driver, calledNumber: aaa, callId: randomUUID() };
    const from = performance.now();
    let answer = 'nobody answered';
    // As a provider with a second address does: who does not answer is not asked twice.
    for (const replica of this.#replicas()) {
      answer = await this.#ask(replica, question).catch((error: unknown) => String(error));
      if (answer === 'bridge') {
        this.#times.push(performance.now() - from);
        return;
      }
      if (answer.startsWith('decided')) break;
    }
    if (answer === 'decided announce too_late') this.#tooLate++;
    else this.#failures.push(`${n}: ${answer}`);
  }

  async #ask(replica: Replica, question: object): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${replica.port}/v1/route-decisions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#apiKey}` },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { decision, reason } = (await response.json()) as { decision?: string; reason?: string };
    if (decision === 'bridge') return 'bridge';
    return decision === undefined ? `status ${response.status}` : `decided ${decision} ${reason}`;
  }
}
