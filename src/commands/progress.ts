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
