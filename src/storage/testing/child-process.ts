import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A TypeScript program of the tests in a process of its own, for what only a process can show: being killed. */
export interface TestProcess {
  readonly child: ChildProcess;
  /** every line of its output so far */
  readonly lines: readonly string[];
  /** Resolves with the first line that starts so; rejects when the process ends without one. */
  lineStarting(prefix: string): Promise<string>;
  /** Kills it, and resolves when it is gone and its output is read to the end. */
  kill(): Promise<void>;
}

/** `program` is a file beside this one. `command` runs it in something else, for example a network namespace. */
export function startTestProcess(
  program: string,
  args: readonly string[],
  command: readonly string[] = [],
): TestProcess {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const [executable = process.execPath, ...before] = [...command, process.execPath];
  const child = spawn(executable, [...before, '--no-warnings', file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const waiters = new Set<() => void>();
  const wake = (): void => {
    for (const waiter of waiters) waiter();
  };
  let ended = false;
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  const closed = once(reader, 'close').then(() => {
    ended = true;
    wake();
  });
  return {
    child,
    lines,
    lineStarting: (prefix) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines.find((candidate) => candidate.startsWith(prefix));
          if (line === undefined && !ended) return;
          waiters.delete(look);
          if (line !== undefined) resolve(line);
          else
            reject(
              new Error(`The process ended without a line "${prefix}…"; it wrote:\n${lines.join('\n')}`),
            );
        };
        waiters.add(look);
        look();
      }),
    async kill() {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
      child.kill('SIGKILL');
      await gone;
      await closed;
    },
  };
}
