import { randomUUID } from 'node:crypto';
import type { Deployment } from './deployment.ts';
import type { Replica } from './replica.ts';
import { personNumber, POOL } from './seed.ts';

const LOOK_MS = 50;
/** for whatever lasts an hour: fewer calls than the limits of the callers allow */
export const CALM_LOOK_MS = 400;
/** shorter than any provider waits (5 s and more) before it asks somewhere else */
const PATIENCE_MS = 3_000;

/** One caller may try 200 times in an hour: together they may for more than a quarter of an hour. */
const SESSIONS = 50;
const FIRST_PERSON = 39_800;

interface Question {
  readonly callingNumber: string;
  readonly calledNumber: string;
}

export interface ProbeReport {
  readonly asked: number;
  /** questions that no replica answered with the bridge */
  readonly unanswered: number;
  /** what was said instead, by each replica that was asked, and how often */
  readonly instead: Readonly<Record<string, number>>;
  /** milliseconds between the last answer before and the first after, at worst */
  readonly longestGapMs: number;
}

/** Callers of open sessions, who dial again and again, as a provider with two addresses of ours would ask. */
export class CallProbe {
  readonly #replicas: readonly Replica[];
  readonly #apiKey: string;
  readonly #questions: readonly Question[];
  readonly #lookMs: number;
  #asked = 0;
  #unanswered = 0;
  readonly #instead = new Map<string, number>();
  #longestGapMs = 0;
  #lastAnswerAt = performance.now();
  #stopping = false;
  readonly #running: Promise<void>;

  private constructor(
    replicas: readonly Replica[],
    apiKey: string,
    questions: readonly Question[],
    lookMs: number,
  ) {
    this.#lookMs = lookMs;
    this.#replicas = replicas;
    this.#apiKey = apiKey;
    this.#questions = questions;
    this.#running = this.#run();
  }

  static async start(
    deployment: Deployment,
    replicas: readonly Replica[],
    lookMs = LOOK_MS,
  ): Promise<CallProbe> {
    const questions: Question[] = [];
    for (let n = 0; n < SESSIONS; n++) {
      const customer = personNumber(FIRST_PERSON + 2 * n);
      const created = await replicas[0]?.ask(
        'POST',
        '/v1/sessions',
        {
          pool: POOL,
          reference: `probe-${randomUUID()}`,
          participants: [
            { role: 'customer', realNumber: customer },
            { role: 'driver', realNumber: personNumber(FIRST_PERSON + 2 * n + 1) },
          ],
        },
        deployment.apiKey,
      );
      const calledNumber = created?.body.participants?.[1]?.virtualNumber;
      if (typeof calledNumber !== 'string') throw new Error(`No session to call: ${JSON.stringify(created)}`);
      questions.push({ callingNumber: customer, calledNumber });
    }
    return new CallProbe(replicas, deployment.apiKey, questions, lookMs);
  }

  get asked(): number {
    return this.#asked;
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  async stop(): Promise<ProbeReport> {
    this.#stopping = true;
    await this.#running;
    return {
      asked: this.#asked,
      unanswered: this.#unanswered,
      instead: Object.fromEntries(this.#instead),
      longestGapMs: Math.round(this.#longestGapMs),
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#asked++;
      const order = this.#asked % 2 === 0 ? this.#replicas : [...this.#replicas].reverse();
      let answered = false;
      for (const replica of order) {
        const answer = await this.#dial(replica, this.#asked);
        answered = answer === 'bridge';
        if (answered) break;
        this.#instead.set(answer, (this.#instead.get(answer) ?? 0) + 1);
      }
      if (answered) {
        const now = performance.now();
        this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAnswerAt);
        this.#lastAnswerAt = now;
      } else this.#unanswered++;
      await new Promise((resolve) => setTimeout(resolve, this.#lookMs));
    }
  }

  /** The decision, with its reason unless it is the bridge; or what went wrong. */
  async #dial(replica: Replica, turn: number): Promise<string> {
    try {
      const response = await fetch(`http://127.0.0.1:${replica.port}/v1/route-decisions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#apiKey}` },
        body: JSON.stringify({ ...this.#questions[turn % SESSIONS], callId: randomUUID() }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const body = (await response.json()) as { decision?: string; reason?: string; code?: string };
      if (body.decision === 'bridge') return 'bridge';
      return `${body.decision ?? response.status}: ${body.reason ?? body.code}`;
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  }
}
