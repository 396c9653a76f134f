import { createHash } from 'node:crypto';

/** Everything that happened, as a hash; the coarse part of it also as lines for people. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #now: () => number;
  readonly #start: number;
  readonly lines: string[] = [];
  #digest: string | null = null;

  constructor(now: () => number) {
    this.#now = now;
    this.#start = now();
  }

  /** A detail: it counts for the hash and is not kept. */
  note(text: string): void {
    this.#hash.update(`${this.#now() - this.#start} ${text}\n`);
  }

  /** Something that a person who reads a history wants to see. No real number is ever in it. */
  say(text: string): void {
    const line = `${((this.#now() - this.#start) / 1_000).toFixed(3).padStart(10)} s  ${text}`;
    this.lines.push(line);
    this.#hash.update(`${line}\n`);
  }

  digest(): string {
    this.#digest ??= this.#hash.digest('hex').slice(0, 16);
    return this.#digest;
  }
}
