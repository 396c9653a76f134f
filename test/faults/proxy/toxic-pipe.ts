import type { Socket } from 'node:net';
import { type Clock, pause } from '../../../src/lib/clock.ts';
import type { Random } from '../../../src/lib/random.ts';
import type { Toxic } from './toxic.ts';

/** Read ahead in one direction; past this the sender has to wait, as it would on a full wire. */
const BUFFERED_BYTES_MAXIMUM = 1024 * 1024;
const END = Symbol('end');

interface Piece {
  readonly bytes: Buffer | typeof END;
  readonly at: number;
}

export interface ToxicPipeOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly clock: Clock;
  readonly random: Random;
  /** those that befall this connection in this direction now, in the order in which they were added */
  readonly toxics: () => readonly Toxic[];
  /** what goes on of what came; nothing when it is null */
  readonly tap?: (bytes: Buffer) => Buffer | null;
  /** ends the connection both ways */
  readonly close: () => void;
}

/** One direction of one connection: what comes in goes out in the same order, late, in slices, cut off or not at all. */
export class ToxicPipe {
  readonly #options: ToxicPipeOptions;
  readonly #queue: Piece[] = [];
  #buffered = 0;
  #passed = 0;
  #wake: (() => void) | null = null;
  /** A stream with a hole in it is of no use: once it has swallowed something it never says a word again. */
  #silent = false;

  constructor(options: ToxicPipeOptions) {
    this.#options = options;
    const { from } = options;
    from.on('data', (bytes: Buffer) => {
      this.#put({ bytes, at: options.clock.now() });
      this.#buffered += bytes.length;
      if (this.#buffered > BUFFERED_BYTES_MAXIMUM) from.pause();
    });
    from.on('end', () => this.#put({ bytes: END, at: options.clock.now() }));
    // Whatever is being waited for, it ends when there is nobody left to tell.
    options.to.on('drain', () => this.#wake?.());
    options.to.on('close', () => this.#wake?.());
    void this.#run();
  }

  /** From now on nothing gets through, and nothing is closed either. */
  silence(): void {
    this.#silent = true;
  }

  #put(piece: Piece): void {
    this.#queue.push(piece);
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { from, to } = this.#options;
    while (!to.destroyed) {
      const piece = this.#queue.shift();
      if (!piece) {
        await this.#woken();
        continue;
      }
      if (piece.bytes === END) {
        await this.#passEnd();
        return;
      }
      await this.#pass(piece.bytes, piece.at);
      this.#buffered -= piece.bytes.length;
      if (this.#buffered <= BUFFERED_BYTES_MAXIMUM && from.isPaused()) from.resume();
    }
  }

  async #passEnd(): Promise<void> {
    const { to, clock, toxics } = this.#options;
    for (const toxic of toxics()) {
      if (toxic.type === 'slow_close') await pause(clock, toxic.attributes.delay);
    }
    if (!this.#silent && !to.destroyed) to.end();
  }

  async #pass(bytes: Buffer, at: number): Promise<void> {
    const { clock, random, toxics, tap, close, to } = this.#options;
    const tapped = this.#silent ? null : tap ? tap(bytes) : bytes;
    if (tapped === null) return;
    let slices = [tapped];
    let pauseBetweenMs = 0;
    for (const toxic of toxics()) {
      switch (toxic.type) {
        case 'timeout':
          this.#silent = true;
          return;
        case 'latency': {
          const { latency, jitter = 0 } = toxic.attributes;
          const delayMs = latency + Math.round((2 * random.next() - 1) * jitter);
          await pause(clock, Math.max(0, at + delayMs - clock.now()));
          break;
        }
        case 'bandwidth':
          await pause(clock, tapped.length / toxic.attributes.rate);
          break;
        case 'slicer': {
          const { average_size, size_variation = 0, delay = 0 } = toxic.attributes;
          slices = slices.flatMap((slice) => cut(slice, average_size, size_variation, random));
          pauseBetweenMs = delay / 1_000;
          break;
        }
        case 'limit_data': {
          const left = toxic.attributes.bytes - this.#passed;
          if (tapped.length < left) break;
          await this.#write(to, tapped.subarray(0, Math.max(0, left)));
          close();
          return;
        }
        default:
      }
    }
    for (const slice of slices) {
      if (this.#silent || to.destroyed) return;
      await this.#write(to, slice);
      if (pauseBetweenMs > 0) await pause(clock, pauseBetweenMs);
    }
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    this.#passed += bytes.length;
    if (bytes.length === 0 || to.write(bytes)) return;
    while (to.writableNeedDrain && !to.destroyed) await this.#woken();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function cut(bytes: Buffer, averageSize: number, variation: number, random: Random): Buffer[] {
  const slices: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const size = Math.max(1, averageSize + Math.round((2 * random.next() - 1) * variation));
    slices.push(bytes.subarray(from, from + size));
    from += size;
  }
  return slices;
}
