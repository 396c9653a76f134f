import { type Options, Presets, SingleBar } from 'cli-progress';

/** Where a bar is drawn; nothing is drawn where `isTTY` is not true. */
export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/**
 * A bar that gives the terminal back as it was when Ctrl-C ends the process in the middle: while it is drawn, lines do not
 * wrap. `tell` is called then, for what is to be said of a work that was broken off.
 */
export function createBar(
  options: Options,
  { terminal = process.stderr, tell = () => {} }: { terminal?: Terminal; tell?: () => void } = {},
): SingleBar {
  const bar = new SingleBar({ ...options, stream: terminal }, Presets.shades_classic);
  const breakOff = (signal: NodeJS.Signals): void => {
    bar.stop();
    tell();
    // The listener is gone by now, so this ends the process as if there had been none.
    process.kill(process.pid, signal);
  };
  bar.on('start', () => process.once('SIGINT', breakOff));
  bar.on('stop', () => process.off('SIGINT', breakOff));
  return bar;
}
