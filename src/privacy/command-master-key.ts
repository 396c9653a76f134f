import { execFile } from 'node:child_process';
import { type MasterKeySource, MasterKeyUnavailable, readMasterKeyText } from './master-key-source.ts';

const ANSWER_BYTES_MAXIMUM = 1_024;

/**
 * A program that prints the master key in base64, such as `aws kms decrypt … --query Plaintext --output text`. It is
 * run without a shell. What it says on its error output goes nowhere: nobody knows what is in it.
 */
export function commandMasterKey(command: readonly [string, ...string[]]): MasterKeySource {
  const [program, ...args] = command;
  const name = `The program ${program}`;
  return {
    name,
    revocable: true,
    read: (signal) =>
      new Promise((resolve, reject) => {
        const options = {
          signal,
          maxBuffer: ANSWER_BYTES_MAXIMUM,
          encoding: 'utf8',
          windowsHide: true,
        } as const;
        execFile(program, args, options, (error, stdout) => {
          try {
            if (error) throw new MasterKeyUnavailable(`${name} ${reasonOf(error)}`);
            resolve(readMasterKeyText(name, stdout.trim()));
          } catch (unavailable) {
            reject(unavailable);
          }
        });
      }),
  };
}

/** Never the message of Node's error: it repeats the arguments and what the program printed. */
function reasonOf(error: { readonly name: string; readonly code?: unknown }): string {
  if (error.name === 'AbortError') return 'did not answer in time. Run it by hand to see what it waits for.';
  if (error.code === 'ENOENT' || error.code === 'EACCES') {
    return 'cannot be run. Check MASKLINE_MASTER_KEY_COMMAND, and that this user may run it.';
  }
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return `printed more than ${ANSWER_BYTES_MAXIMUM} bytes. It must print 32 bytes in base64 and nothing else.`;
  }
  return `failed with ${typeof error.code === 'number' ? `exit code ${error.code}` : 'a signal'}. Run it by hand to see why.`;
}
