import { randomUUID } from 'node:crypto';
import { readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

/** Who holds a directory. What only Linux can tell is null elsewhere. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** differs after every start of the machine */
  readonly bootId: string | null;
  /** pids of different namespaces have nothing to do with each other */
  readonly pidNamespace: string | null;
  /** ticks since the machine started; tells a process from a later one with the same pid */
  readonly startTicks: string | null;
}

const FILE = 'holder.json';

export async function currentHolder(): Promise<Holder> {
  return {
    pid: process.pid,
    host: hostname(),
    bootId: await bootId(),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => null),
    startTicks: await startTicks(process.pid),
  };
}

/** A full disk is no reason not to start: what is there can still be read, and the sockets are the lock. */
export async function writeHolder(directory: string, holder: Holder): Promise<void> {
  const temporary = path.join(directory, `${FILE}.${randomUUID().slice(0, 8)}`);
  try {
    await writeFile(temporary, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    await rename(temporary, path.join(directory, FILE));
  } catch (error) {
    await rm(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
  }
}

/** null when there is none, or none that can be read: it is a hint, the sockets are the lock. */
export async function readHolder(directory: string): Promise<Holder | null> {
  try {
    const holder: unknown = JSON.parse(await readFile(path.join(directory, FILE), 'utf8'));
    return isHolder(holder) ? holder : null;
  } catch {
    return null;
  }
}

export async function removeHolder(directory: string): Promise<void> {
  await rm(path.join(directory, FILE), { force: true });
}

/** Surely alive: on this machine, in our sight, with that pid since that moment. */
export async function holderIsAlive(holder: Holder): Promise<boolean> {
  const here = await currentHolder();
  if (holder.bootId === null || holder.bootId !== here.bootId) return false;
  if (holder.pidNamespace !== here.pidNamespace || holder.startTicks === null) return false;
  return holder.startTicks === (await startTicks(holder.pid));
}

/** On this machine since it started, but in another container, where we cannot look. */
export async function isElsewhere(holder: Holder): Promise<boolean> {
  const here = await currentHolder();
  return here.bootId !== null && holder.bootId === here.bootId && holder.pidNamespace !== here.pidNamespace;
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('host' in value)) return false;
  return Number.isSafeInteger(value.pid) && typeof value.host === 'string';
}

async function bootId(): Promise<string | null> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null);
  return text?.trim() ?? null;
}

/** Field 22 of /proc/pid/stat, counted after the name, which may hold spaces and brackets. */
async function startTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}
