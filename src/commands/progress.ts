import { createBar, type Terminal } from './create-bar.ts';

/**
 * Runs `work` for each item, one after the other, with a bar at a terminal and a line for each elsewhere. Somebody who
 * breaks it off at a terminal is told what was done until then.
 */
export async function withProgress<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  work: (item: T) => Promise<string>,
  terminal: Terminal = process.stderr,
): Promise<void> {
  const lines: string[] = [];
  const told = (): void => {
    for (const line of lines) process.stdout.write(`${line}\n`);
  };
  const tell = (): void => {
    told();
    process.stdout.write(`Broken off after ${lines.length} of ${items.length}.\n`);
  };
  const format = '{bar} {value}/{total} {item}';
  const isSeen = process.stdout.isTTY && terminal.isTTY === true;
  const bar = isSeen ? createBar({ format, clearOnComplete: true }, { terminal, tell }) : null;
  bar?.start(items.length, 0, { item: '' });
  try {
    for (const item of items) {
      bar?.update({ item: nameOf(item) });
      const line = `${nameOf(item)}  ${await work(item)}`;
      if (bar) lines.push(line);
      else process.stdout.write(`${line}\n`);
      bar?.increment();
    }
  } finally {
    bar?.stop();
    told();
  }
}

/** Says what is done now, and how far that has come when it has parts. */
export type ShowPhase = (what: string, done?: number, total?: number) => void;

/** Runs `work` with a bar at a terminal that names what is done and counts the seconds, also of what has no parts. */
export async function withPhases<T>(
  work: (at: ShowPhase) => Promise<T>,
  terminal: Terminal = process.stderr,
): Promise<T> {
  const format = '{bar} {what}, {duration} s';
  const bar = createBar({ format, clearOnComplete: true }, { terminal });
  bar.start(1, 0, { what: 'Beginning' });
  try {
    return await work((what, done, total) => {
      const isCounted = done !== undefined && total !== undefined;
      bar.setTotal(isCounted ? total : 1);
      bar.update(isCounted ? done : 0, { what: isCounted ? `${what}, ${done} of ${total}` : what });
    });
  } finally {
    bar.stop();
  }
}
