import { Buffer } from 'node:buffer';
import type { MasterKeyOrigin, MasterKeyOrigins } from './master-key-sources.ts';
import { isPrivateOrSafe, type SettingsReader } from './settings-reader.ts';

const MASTER_KEY_BYTES = 32;
const MASTER_KEY_HINT = `Make one with: node -e "console.log(require('crypto').randomBytes(${MASTER_KEY_BYTES}).toString('base64'))"`;

/** Where the master keys come from; null, with a violation, when that is not said. */
export function readMasterKeys(reader: SettingsReader): MasterKeyOrigins | null {
  const name = 'MASKLINE_MASTER_KEY';
  const given = readKey(reader, name);
  const origins = [
    ...(given === null ? [] : [{ kind: 'given', key: given } as const]),
    ...readKeyCommand(reader, name),
    ...readVault(reader, name),
  ];
  const [first, second] = origins;
  // One that is there and cannot be used has been named already.
  const hadOne = reader.optional(`${name}_FILE`) !== null || reader.secret(name) !== null;
  if (!first && !hadOne) {
    reader.violate(`${name} or ${name}_FILE is missing. ${MASTER_KEY_HINT}`);
  }
  if (second) {
    reader.violate(`${name}, ${name}_COMMAND and ${name}_VAULT_URL exclude each other: set one.`);
  }
  // While one master key is being exchanged for another, every replica opens what any wraps.
  const also = readKey(reader, `${name}_ALSO`);
  const others: MasterKeyOrigin[] = [
    ...(also === null ? [] : [{ kind: 'given', key: also } as const]),
    ...readKeyCommand(reader, `${name}_ALSO`),
  ];
  return first ? [first, ...others] : null;
}

/** Words between spaces; a JSON array where an argument holds a space. There is no shell. */
function readKeyCommand(reader: SettingsReader, name: string): MasterKeyOrigin[] {
  const text = reader.optional(`${name}_COMMAND`);
  if (text === null) return [];
  const words: unknown = text.startsWith('[') ? parseJson(text) : text.split(/\s+/);
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string') || words.length === 0) {
    reader.violate(`${name}_COMMAND must be a program and its arguments, or a JSON array of them.`);
    return [];
  }
  const [program = '', ...args] = words;
  return [{ kind: 'command', command: [program, ...args] }];
}

function readVault(reader: SettingsReader, name: string): MasterKeyOrigin[] {
  const named = reader.optional(`${name}_VAULT_URL`);
  if (named === null) return [];
  const key = reader.optional(`${name}_VAULT_KEY`);
  const token = reader.secret(`${name}_VAULT_TOKEN`);
  const ciphertext = reader.secret(`${name}_VAULT_CIPHERTEXT`);
  const url = reader.url(`${name}_VAULT_URL`, named);
  if (!isPrivateOrSafe(url)) {
    reader.violate(`${name}_VAULT_URL must begin with https://, because the master key comes from there.`);
  }
  if (key === null || token === null || ciphertext === null) {
    reader.violate(
      `${name}_VAULT_URL needs ${name}_VAULT_KEY, ${name}_VAULT_TOKEN and ${name}_VAULT_CIPHERTEXT.`,
    );
    return [];
  }
  return [{ kind: 'vault', url, key, token, ciphertext }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readKey(reader: SettingsReader, name: string): Uint8Array | null {
  const text = reader.secret(name);
  if (text === null) return null;
  const key = Buffer.from(text, 'base64');
  if (key.length !== MASTER_KEY_BYTES) {
    const subject = name === 'MASKLINE_MASTER_KEY' ? 'The master key' : name;
    reader.violate(`${subject} must be ${MASTER_KEY_BYTES} bytes in base64. ${MASTER_KEY_HINT}`);
    return null;
  }
  return key;
}
