import type { ProfileDirectory } from './profile-directory.ts';

/** For installations whose events and requests always carry the real numbers: nobody is known. */
export const noProfileDirectory: ProfileDirectory = {
  realNumberOf: async () => null,
};
