import { KEY_BYTES } from './envelope.ts';

/**
 * Whoever keeps a master key: this process's own settings, or a key management service that hands it out to those
 * who may have it. It is asked when a process starts, and again every few minutes.
 */
export interface MasterKeySource {
  /** what it is, for logs and errors; it tells nothing about the key */
  readonly name: string;
  /** Whether it can take the key back. What was given with the settings stays given. */
  readonly revocable: boolean;
  /** @returns 32 bytes. @throws MasterKeyUnavailable, and nothing else */
  read(signal: AbortSignal): Promise<Uint8Array>;
}

/** The key is not to be had now. The message says why and what to do, and holds nothing of what was answered. */
export class MasterKeyUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MasterKeyUnavailable';
  }
}

/** 43 characters of base64 and one `=`: nothing else is 32 bytes long. */
const BASE64_OF_A_KEY = /^[A-Za-z0-9+/]{43}=$/;

/** @throws MasterKeyUnavailable when the text is anything but 32 bytes in base64 */
export function readMasterKeyText(name: string, text: string): Uint8Array {
  if (!BASE64_OF_A_KEY.test(text)) {
    throw new MasterKeyUnavailable(
      `${name} answered something that is not ${KEY_BYTES} bytes in base64. Check what it was given to open.`,
    );
  }
  return Buffer.from(text, 'base64');
}

export function givenMasterKey(key: Uint8Array): MasterKeySource {
  return { name: 'the settings', revocable: false, read: async () => key };
}
