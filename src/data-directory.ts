import { Buffer } from 'node:buffer';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from './lib/random.ts';

const SECRET_BYTES = 32;
const OWNER_ONLY_DIRECTORY = 0o700;
const OWNER_ONLY_FILE = 0o600;

/** The directory in which `npm start` keeps everything: databases, keys, tokens. Readable by its owner alone. */
export class DataDirectory {
  readonly path: string;
  readonly #random: Random;

  constructor(directory: string, random: Random) {
    this.path = path.resolve(directory);
    this.#random = random;
    try {
      mkdirSync(this.path, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    } catch (error) {
      throw new Error(
        `The data directory ${this.path} cannot be made. Set MASKLINE_DATA_DIR to one that this user may write to.`,
        { cause: error },
      );
    }
  }

  file(name: string): string {
    return path.join(this.path, name);
  }

  /** 32 bytes that are made once and kept. */
  secretBytes(name: string): Uint8Array {
    return Buffer.from(
      this.secretText(name, () => Buffer.from(this.#random.bytes(SECRET_BYTES)).toString('base64')),
      'base64',
    );
  }

  /** A text that is made once and kept. */
  secretText(name: string, make: () => string): string {
    const file = this.file(name);
    if (!existsSync(file)) {
      // Written aside and renamed: a crash in between must not leave half a key under the right name.
      writeFileSync(`${file}.new`, `${make()}\n`, { mode: OWNER_ONLY_FILE });
      renameSync(`${file}.new`, file);
    }
    chmodSync(file, OWNER_ONLY_FILE);
    const text = readFileSync(file, 'utf8').trim();
    if (text === '')
      throw new Error(`${file} is empty. Restore it; without it the sealed numbers cannot be opened.`);
    return text;
  }
}
