import { write, writeSync } from 'node:fs';
import { type Clock, systemClock } from '../lib/clock.ts';

/** Waiting to be written; past this lines are dropped and counted. */
const WAITING_BYTES_MAXIMUM = 1024 * 1024;
/** A reader that is slow is asked again after so long. */
const RETRY_MS = 50;

/** What it needs of a file descriptor; tests give it a disk that is full. */
export interface LineSink {
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  writeSync(bytes: Buffer): number;
}

/**
 * Writes log lines without ever holding up or ending the service. A full disk, a reader that is gone or one that
 * does not keep up costs lines, which are counted; when there is room again, lines are written again.
 * `process.stdout` would end the process in the first two cases, and stand still in the third.
 */
export class LineWriter {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** what is being written, and how many lines that is */
  #current: Buffer | null = null;
  #currentLines = 0;
  #torn = false;
  #dropped = 0;

  constructor(sink: LineSink, clock: Clock = systemClock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** Lines that were lost since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAXIMUM) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#current === null) this.#next();
  }

  /** What still waits, before the process ends; a write that has begun is finished by Node on its way out. */
  flushSync(): void {
    const rest = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      for (let at = 0; at < rest.length; ) at += this.#sink.writeSync(rest.subarray(at));
    } catch {
      // There is nobody left to tell.
    }
  }

  #next(): void {
    if (this.#waiting.length === 0) {
      this.#current = null;
      return;
    }
    // A line that was cut off must not swallow the one after it.
    const start = this.#torn ? [Buffer.from('\n')] : [];
    this.#torn = false;
    this.#currentLines = this.#waiting.length;
    this.#current = Buffer.concat([...start, ...this.#waiting]);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#writeCurrent();
  }

  #writeCurrent(): void {
    const bytes = this.#current;
    if (bytes === null) return;
    this.#sink.write(bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        this.#clock.after(RETRY_MS, () => this.#writeCurrent());
        return;
      }
      if (error) {
        this.#dropped += this.#currentLines;
        this.#next();
        return;
      }
      if (written === bytes.length) {
        this.#torn = false;
        this.#next();
        return;
      }
      this.#torn = written > 0;
      this.#current = bytes.subarray(written);
      this.#currentLines = this.#current.toString('latin1').split('\n').length - 1;
      this.#writeCurrent();
    });
  }
}

const STANDARD_OUTPUT = 1;

/** What still waits is written when the process ends. */
export function standardOutput(): LineWriter {
  const writer = new LineWriter({
    write: (bytes, done) => write(STANDARD_OUTPUT, bytes, 0, bytes.length, null, done),
    writeSync: (bytes) => writeSync(STANDARD_OUTPUT, bytes),
  });
  process.once('exit', () => writer.flushSync());
  return writer;
}
