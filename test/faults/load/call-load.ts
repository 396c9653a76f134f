import { systemClock } from '../../../src/lib/clock.ts';
import { type Random, seededRandom } from '../../../src/lib/random.ts';
import { percentile } from '../../production/order-load.ts';
import { personNumber } from '../../production/seed.ts';
import type { Binding, OrderStream } from './order-stream.ts';
import { WebhookSender } from './webhook-sender.ts';

/** A provider waits so long before it asks the fallback address. Those that wait shortest wait 1 to 2 s. */
const PATIENCE_MS = 1_500;
const UNDER_WAY_MAXIMUM = 2_000;
/** INV-20: this long after a revocation was announced nobody is connected any more. */
const REVOKED_AFTER_MS = 1_000;
/** Somebody who is party to no order: beyond all that the orders use. */
const STRANGER = 39_990;
const STATUS_ATTEMPTS = 4;

export interface PhaseReport {
  readonly asked: number;
  /** of live parties: connected, told the neutral sentence, told nothing by any address */
  readonly connected: number;
  readonly neutral: number;
  readonly unanswered: number;
  /** where the first address failed and the second was asked */
  readonly failedOver: number;
  /** connected to somebody else, with another number shown, or though a stranger; and after a revocation */
  readonly misrouted: number;
  readonly late: number;
  /** of one request that was answered, in milliseconds */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** the longest time without a connection between two */
  readonly longestGapMs: number;
}

interface Tally {
  asked: number;
  connected: number;
  neutral: number;
  unanswered: number;
  failedOver: number;
  misrouted: number;
  late: number;
  longestGapMs: number;
  readonly times: number[];
}

type Asked = {
  readonly kind: 'live' | 'stranger' | 'ended';
  readonly from: string;
  readonly binding: Binding;
};

export interface CallLoadOptions {
  /** ports of the replicas; each call asks one of them first, and the next when that one fails */
  readonly ports: readonly number[];
  readonly orders: OrderStream;
  readonly callsPerSecond: number;
  readonly seed?: number;
}

/**
 * A provider with calls: it asks in an even stream whatever becomes of the answers, reports the end of each call
 * that was connected, and judges every answer by what it knows about the orders.
 */
export class CallLoad {
  readonly #options: CallLoadOptions;
  readonly #random: Random;
  readonly #sender = new WebhookSender();
  readonly #phases = new Map<string, Tally>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #reports = new Set<Promise<void>>();
  /** call ids that were connected, and whether their end was taken */
  readonly connectedCalls = new Map<string, boolean>();
  readonly complaints: string[] = [];
  #phase = 'before';
  #next = 0;
  #lastConnectedAt = performance.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: CallLoadOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
  }

  start(): void {
    if (this.#options.callsPerSecond === 0) return;
    const intervalMs = 1_000 / this.#options.callsPerSecond;
    let due = performance.now();
    const tick = (): void => {
      while (performance.now() >= due) {
        due += intervalMs;
        this.#begin();
      }
      this.#timer = setTimeout(tick, Math.max(0, due - performance.now()));
    };
    this.#lastConnectedAt = performance.now();
    tick();
  }

  /** Calls from now on count here. */
  phase(name: string): void {
    this.#lastConnectedAt = performance.now();
    this.#phase = name;
  }

  async stop(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    await Promise.all([...this.#underWay, ...this.#reports]);
    this.#sender.close();
  }

  /** Waits for the answers to the calls of before. */
  async drained(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  connectedIn(phase: string): number {
    return this.#phases.get(phase)?.connected ?? 0;
  }

  report(phase: string): PhaseReport {
    const { times, ...tally } = this.#phases.get(phase) ?? emptyTally();
    const sorted = [...times].sort((a, b) => a - b);
    const rounded = (ms: number): number => Math.round(ms);
    return {
      ...tally,
      p50: rounded(percentile(sorted, 0.5)),
      p99: rounded(percentile(sorted, 0.99)),
      max: rounded(sorted.at(-1) ?? Number.NaN),
      longestGapMs: rounded(tally.longestGapMs),
    };
  }

  #begin(): void {
    if (this.#underWay.size >= UNDER_WAY_MAXIMUM) return;
    const asked = this.#choose();
    if (!asked) return;
    const call = this.#call(asked).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
  }

  #choose(): Asked | null {
    const { orders } = this.#options;
    const dice = this.#random.next();
    if (dice < 0.05 && orders.closed.length > 0) {
      const binding = this.#pick(orders.closed.slice(-200));
      return binding && { kind: 'ended', from: binding.parties[0].realNumber, binding };
    }
    const binding = this.#pick(orders.live);
    if (!binding) return null;
    if (dice < 0.1) return { kind: 'stranger', from: personNumber(STRANGER), binding };
    const [customer, driver] = binding.parties;
    return { kind: 'live', from: (dice < 0.55 ? customer : driver).realNumber, binding };
  }

  #pick(bindings: readonly Binding[]): Binding | null {
    return bindings[Math.floor(this.#random.next() * bindings.length)] ?? null;
  }

  async #call(asked: Asked): Promise<void> {
    const { ports } = this.#options;
    const n = this.#next++;
    const tally = this.#tally(this.#phase);
    const [customer, driver] = asked.binding.parties;
    const calling = asked.from === driver.realNumber ? driver : customer;
    const called = calling === customer ? driver : customer;
    const callId = `${asked.binding.reference}-call-${n}`;
    const question = { callId, from: asked.from, to: called.virtualNumber, attestation: 'A' };
    const startedAt = performance.now();
    tally.asked++;
    for (let attempt = 0; attempt < ports.length; attempt++) {
      const port = ports[(n + attempt) % ports.length] ?? 0;
      try {
        const reply = await this.#sender.send(port, 'answer', question, PATIENCE_MS);
        if (reply.status !== 200) throw new Error(`Status ${reply.status}`);
        tally.times.push(reply.ms);
        this.#judge(tally, asked, startedAt, JSON.parse(reply.body), { calling, called, callId });
        return;
      } catch {
        tally.failedOver++;
      }
    }
    if (asked.kind === 'live') tally.unanswered++;
  }

  #judge(
    tally: Tally,
    asked: Asked,
    startedAt: number,
    answer: { action?: string; to?: string; callerId?: string },
    parties: { calling: Binding['parties'][0]; called: Binding['parties'][0]; callId: string },
  ): void {
    if (answer.action !== 'connect') {
      // A party whose order was being completed meanwhile may be refused.
      if (asked.kind === 'live' && asked.binding.completingAt === null) tally.neutral++;
      return;
    }
    const { calling, called, callId } = parties;
    const right = answer.to === called.realNumber && answer.callerId === calling.virtualNumber;
    if (asked.kind === 'stranger' || !right) {
      tally.misrouted++;
      this.complaints.push(`${asked.kind} call ${callId} was connected to somebody that it must not reach.`);
      return;
    }
    const { closedAt } = asked.binding;
    if (closedAt !== null && startedAt - closedAt > REVOKED_AFTER_MS) {
      tally.late++;
      this.complaints.push(
        `Call ${callId} was connected ${Math.round(startedAt - closedAt)} ms after its end.`,
      );
      return;
    }
    const now = performance.now();
    tally.longestGapMs = Math.max(tally.longestGapMs, now - this.#lastConnectedAt);
    this.#lastConnectedAt = now;
    tally.connected++;
    this.connectedCalls.set(callId, false);
    this.#reportEnd(callId);
  }

  /** Asked again with a pause when it is not taken, as providers do. */
  #reportEnd(callId: string): void {
    const { ports } = this.#options;
    const ended = async (): Promise<void> => {
      const body = {
        callId,
        event: 'ended',
        at: new Date(systemClock.now()).toISOString(),
        sequence: 1,
        termination: 'completed',
        durationSeconds: 0,
      };
      for (let attempt = 0; attempt < STATUS_ATTEMPTS; attempt++) {
        const port = ports[(callId.length + attempt) % ports.length] ?? 0;
        const reply = await this.#sender.send(port, 'status', body, 5_000).catch(() => null);
        if (reply && reply.status < 300) {
          this.connectedCalls.set(callId, true);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
      }
    };
    const reporting = ended().finally(() => this.#reports.delete(reporting));
    this.#reports.add(reporting);
  }

  #tally(phase: string): Tally {
    const tally = this.#phases.get(phase) ?? emptyTally();
    this.#phases.set(phase, tally);
    return tally;
  }
}

function emptyTally(): Tally {
  return {
    asked: 0,
    connected: 0,
    neutral: 0,
    unanswered: 0,
    failedOver: 0,
    misrouted: 0,
    late: 0,
    longestGapMs: 0,
    times: [],
  };
}
