import { createHash, randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Clock, pause } from '../../lib/clock.ts';
import {
  currentHolder,
  type Holder,
  holderIsAlive,
  isElsewhere,
  readHolder,
  removeHolder,
  writeHolder,
} from './lock-holder.ts';
import { answers, type ListeningSocket, listenAt } from './lock-socket.ts';

export class DirectoryLockedError extends Error {
  /** null when it could not be told */
  readonly pid: number | null;

  constructor(directory: string, holder: Holder | null, advice = '') {
    const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
    super(
      `The data directory ${directory} is in use by ${who}. Stop that process, or use another directory.${advice}`,
    );
    this.name = 'DirectoryLockedError';
    this.pid = holder?.pid ?? null;
  }
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/** sun_path holds 104 bytes on macOS and 108 on Linux, with the NUL at the end. */
const MAX_SOCKET_PATH_BYTES = 103;
/** A socket that is bound and not yet listening looks dead for some microseconds. */
const SECOND_PROBE_AFTER_MS = 50;

/**
 * Makes sure that one process at a time has the directory open; PGlite itself would let two lose each other's
 * rows. What is held is always a listening socket, which the kernel takes away with the process, `kill -9`
 * included. So there is no age after which a lock counts as abandoned, and none is ever taken from the living.
 *
 * - Linux: an abstract socket named after the directory's device and inode. It is blind to other network
 *   namespaces, hence also:
 * - everywhere but Windows: a socket file inside the directory, which containers that share it do see;
 * - a file that says who holds the lock, for the error message, and for file systems without sockets;
 * - Windows: a named pipe.
 *
 * A directory that two machines mount at once is not protected.
 *
 * @throws DirectoryLockedError at once when another process, or this one, holds it
 */
export async function lockDirectory(directory: string, clock: Clock): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const name = await identityOf(directory);
  const holder = await readHolder(directory);
  const held: ListeningSocket[] = [];
  const letGo = async (): Promise<void> => {
    for (const socket of held.reverse()) await socket.close();
  };
  try {
    const guard = guardAddress(name);
    if (guard !== null) {
      const socket = await listenAt(guard);
      if (socket === 'in-use') throw new DirectoryLockedError(directory, await readHolder(directory));
      held.push(socket);
    }
    if (process.platform !== 'win32') held.push(await listenOnFile(directory, name, holder, clock));
    await writeHolder(directory, await currentHolder());
  } catch (error) {
    await letGo();
    throw error;
  }
  return {
    async release() {
      await removeHolder(directory);
      await letGo();
    },
  };
}

async function identityOf(directory: string): Promise<string> {
  const real = await realpath(directory);
  const { dev, ino } = await stat(real, { bigint: true });
  // Two paths to one directory, as with bind mounts, must meet: so no path where there is an inode.
  const identity = process.platform === 'win32' ? real.toLowerCase() : `${dev}:${ino}`;
  return `maskline-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

/** An address that vanishes with its process; null on systems that have none. */
function guardAddress(name: string): string | null {
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : null;
}

async function listenOnFile(
  directory: string,
  name: string,
  holder: Holder | null,
  clock: Clock,
): Promise<ListeningSocket> {
  if (holder && (await holderIsAlive(holder))) throw new DirectoryLockedError(directory, holder);
  const inside = path.join(await realpath(directory), 'lock.sock');
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) {
    const socket = await takeSocketFile(inside, directory, clock).catch(nullWhenUnsupported);
    if (socket) return socket;
  }
  if (holder && (await isElsewhere(holder))) {
    const advice = ` If it is gone, which cannot be told from here, remove ${path.join(directory, 'holder.json')}.`;
    throw new DirectoryLockedError(directory, holder, advice);
  }
  return takeSocketFile(path.join(tmpdir(), `${name}.sock`), directory, clock);
}

async function takeSocketFile(file: string, directory: string, clock: Clock): Promise<ListeningSocket> {
  const first = await listenAt(file);
  if (first !== 'in-use') return first;
  const refuse = async (): Promise<never> => {
    throw new DirectoryLockedError(directory, await readHolder(directory));
  };
  if (await answers(file)) return refuse();
  await pause(clock, SECOND_PROBE_AFTER_MS);
  if (await answers(file)) return refuse();
  // Moved aside rather than removed: when somebody else was faster, what was moved is theirs and alive.
  const aside = `${file}.${randomUUID().slice(0, 8)}`;
  await rename(file, aside).catch(ignoreMissing);
  if (await answers(aside)) {
    await rename(aside, file);
    return refuse();
  }
  await rm(aside, { force: true });
  const second = await listenAt(file);
  return second === 'in-use' ? refuse() : second;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** File systems that know no sockets: shared folders of virtual machines, FAT, some network mounts. */
function nullWhenUnsupported(error: NodeJS.ErrnoException): null {
  const unsupported = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ENOSYS', 'EACCES', 'EIO'];
  if (error.code !== undefined && unsupported.includes(error.code)) return null;
  throw error;
}
