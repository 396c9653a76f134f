import { Presets, SingleBar } from 'cli-progress';

/** Runs `work` for each item, one after the other, with a bar at a terminal and a line for each elsewhere. */
export async function withProgress<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  work: (item: T) => Promise<string>,
): Promise<void> {
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {item}', clearOnComplete: true }, Presets.shades_classic)
    : null;
  bar?.start(items.length, 0, { item: '' });
  const lines: string[] = [];
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
    for (const line of lines) process.stdout.write(`${line}\n`);
  }
}

/** Where a bar is drawn; nothing is drawn where `isTTY` is not true. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Says what is done now, and how far that has come when it has parts. */
export type ShowPhase = (what: string, done?: number, total?: number) => void;

/** Runs `work` with a bar at a terminal that names what is done and counts the seconds, also of what has no parts. */
export async function withPhases<T>(
  work: (at: ShowPhase) => Promise<T>,
  terminal: Terminal = process.stderr,
): Promise<T> {
  const format = '{bar} {what}, {duration} s';
  const bar = new SingleBar({ format, clearOnComplete: true, stream: terminal }, Presets.shades_classic);
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
