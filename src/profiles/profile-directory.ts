import type { PhoneNumber } from '../privacy/phone-number.ts';

/** The store of the people's own numbers. It belongs to the company that uses Maskline; we only ask it. */
export interface ProfileDirectory {
  /**
   * The real number of a user, or null when the directory knows no such user.
   * @throws ProfileDirectoryUnavailable when it cannot be asked now; the question may be repeated
   */
  realNumberOf(userId: string, signal: AbortSignal): Promise<PhoneNumber | null>;
}

export class ProfileDirectoryUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProfileDirectoryUnavailable';
  }
}
