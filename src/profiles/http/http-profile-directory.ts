import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { type ProfileDirectory, ProfileDirectoryUnavailable } from '../profile-directory.ts';

const BODY_BYTES_MAXIMUM = 16 * 1024;
const Profile = Compile(Type.Object({ userId: Type.String(), realNumber: Type.String() }));

/**
 * `GET {url}/profiles/{userId}` with a bearer token → `{ userId, realNumber }`; 404 for an unknown user. A
 * profile that answers for another user, or with a text that is no phone number, counts as unknown: a guess
 * would connect a stranger.
 */
export function createHttpProfileDirectory(options: { url: string; token: string }): ProfileDirectory {
  return {
    async realNumberOf(userId, signal) {
      const answer = await ask(
        `${options.url}/profiles/${encodeURIComponent(userId)}`,
        options.token,
        signal,
      );
      if (answer === null) return null;
      if (!Profile.Check(answer) || answer.userId !== userId) return null;
      return PhoneNumber.parse(answer.realNumber);
    },
  };
}

async function ask(url: string, token: string, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'error',
      signal,
    });
  } catch (cause) {
    throw new ProfileDirectoryUnavailable('The Profile directory does not answer. Check PROFILE_URL.', {
      cause,
    });
  }
  if (response.status === 404) return null;
  if (!response.ok) {
    throw new ProfileDirectoryUnavailable(
      `The Profile directory answered ${response.status}. Check PROFILE_TOKEN and the directory itself.`,
    );
  }
  const text = await response.text().catch((cause: unknown) => {
    throw new ProfileDirectoryUnavailable('The Profile directory broke off its answer.', { cause });
  });
  if (text.length > BODY_BYTES_MAXIMUM)
    throw new ProfileDirectoryUnavailable('The profile is larger than 16 kB.');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProfileDirectoryUnavailable('The Profile directory answered something that is not JSON.', {
      cause,
    });
  }
}
