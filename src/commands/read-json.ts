import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

/** Far more than any account has to say. */
const BYTES_MAXIMUM = 64 * 1024;

/** JSON from a file, or from the standard input when there is none. Errors quote nothing of what was read. */
export async function readJson(what: string, file: string | undefined): Promise<unknown> {
  const source = file === undefined ? await readStandardInput(what) : readFile(what, file);
  if (source.length > BYTES_MAXIMUM) throw new Error(`The ${what} are longer than ${BYTES_MAXIMUM} bytes.`);
  try {
    return JSON.parse(source);
  } catch {
    throw new Error(`The ${what} are not JSON. Give an object such as {"name": "value"}.`);
  }
}

function readFile(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Error(`The file with the ${what} cannot be read: ${file}`);
  }
}

function readStandardInput(what: string): Promise<string> {
  if (process.stdin.isTTY) {
    throw new Error(
      `Give the ${what} as JSON on the standard input, or name a file that holds them. They do not belong on the command line, where other users see them.`,
    );
  }
  return text(process.stdin);
}
