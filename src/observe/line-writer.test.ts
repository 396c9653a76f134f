import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { LineWriter } from './line-writer.ts';

/** A file that takes what `takes` says of each write: so many bytes, or an error. */
class Disk {
  text = '';
  readonly #answers: (number | string)[];
  #pending: (() => void)[] = [];

  constructor(...answers: (number | string)[]) {
    this.#answers = answers;
  }

  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    this.#pending.push(() => {
      const answer = this.#answers.shift() ?? bytes.length;
      if (typeof answer === 'string') {
        done(Object.assign(new Error(answer), { code: answer }), 0);
        return;
      }
      this.text += bytes.subarray(0, answer).toString();
      done(null, Math.min(answer, bytes.length));
    });
  }

  writeSync(bytes: Buffer): number {
    this.text += bytes.toString();
    return bytes.length;
  }

  /** Lets so many writes finish. */
  settle(count = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < count; i++) {
      const one = this.#pending.shift();
      if (!one) return;
      one();
    }
  }
}

describe('LineWriter', () => {
  it('writes every line in order, also those that came while it was writing', () => {
    const disk = new Disk();
    const writer = new LineWriter(disk, new ManualClock());
    writer.write('one\n');
    writer.write('two\n');
    disk.settle(1);
    writer.write('three\n');
    disk.settle();
    expect(disk.text).toBe('one\ntwo\nthree\n');
    expect(writer.dropped).toBe(0);
  });

  it('counts what a full disk costs, and goes on when there is room again', () => {
    const disk = new Disk('ENOSPC', 'ENOSPC');
    const writer = new LineWriter(disk, new ManualClock());
    writer.write('lost\n');
    writer.write('lost too\n');
    writer.write('and this\n');
    disk.settle();
    expect([disk.text, writer.dropped]).toEqual(['', 3]);
    writer.write('room again\n');
    disk.settle();
    expect([disk.text, writer.dropped]).toEqual(['room again\n', 3]);
  });

  it('does not let a line that was cut off swallow the next', () => {
    const disk = new Disk(2, 'ENOSPC');
    const writer = new LineWriter(disk, new ManualClock());
    writer.write('cut off\n');
    disk.settle();
    writer.write('whole\n');
    disk.settle();
    expect([disk.text, writer.dropped]).toEqual(['cu\nwhole\n', 1]);
  });

  it('finishes a write that was taken in parts', () => {
    const disk = new Disk(2, 3);
    const writer = new LineWriter(disk, new ManualClock());
    writer.write('in parts\n');
    writer.write('next\n');
    disk.settle();
    expect([disk.text, writer.dropped]).toEqual(['in parts\nnext\n', 0]);
  });

  it('asks a slow reader again', () => {
    const clock = new ManualClock();
    const disk = new Disk('EAGAIN', 'EAGAIN');
    const writer = new LineWriter(disk, clock);
    writer.write('patience\n');
    for (let i = 0; i < 3; i++) {
      disk.settle();
      clock.advance(50);
    }
    disk.settle();
    expect([disk.text, writer.dropped]).toEqual(['patience\n', 0]);
  });

  it('keeps a megabyte for a reader that does not read, and counts the rest', () => {
    const disk = new Disk();
    const writer = new LineWriter(disk, new ManualClock());
    const line = `${'x'.repeat(1_023)}\n`;
    for (let i = 0; i < 1_100; i++) writer.write(line);
    // The first went out by itself; a megabyte waits behind it.
    expect(writer.dropped).toBe(1_100 - 1 - 1_024);
    disk.settle();
    expect(disk.text.length).toBe(1_025 * 1_024);
  });

  it('writes what waits when the process ends', () => {
    const disk = new Disk();
    const writer = new LineWriter(disk, new ManualClock());
    writer.write('under way\n');
    writer.write('waiting\n');
    writer.flushSync();
    expect(disk.text).toBe('waiting\n');
  });
});
