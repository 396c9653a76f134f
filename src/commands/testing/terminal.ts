import { Writable } from 'node:stream';

/** A terminal that keeps all that was drawn on it. */
export function createTerminal() {
  let drawn = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      drawn += String(chunk);
      done();
    },
  });
  const terminal = Object.assign(stream, { isTTY: true as const, columns: 120 });
  return { terminal, drawn: () => drawn };
}
