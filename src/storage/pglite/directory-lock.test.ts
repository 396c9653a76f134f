import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { startTestProcess, type TestProcess } from '../testing/child-process.ts';
import { type DirectoryLock, DirectoryLockedError, lockDirectory } from './directory-lock.ts';
import { currentHolder } from './lock-holder.ts';

let directory: string;
const processes: TestProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'maskline-lock-'));
});
afterEach(async () => {
  for (const process of processes.splice(0)) await process.kill();
  await rm(directory, { recursive: true });
});

const lock = (where = directory): Promise<DirectoryLock> => lockDirectory(where, systemClock);

function start(command?: readonly string[]): TestProcess {
  const started = startTestProcess('lock-holder-program.ts', [directory], command);
  processes.push(started);
  return started;
}

/** Whether this machine lets us make a network namespace, as a container has one. */
function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('lockDirectory', () => {
  it('refuses a second holder in the same process, and names the process', async () => {
    const held = await lock();
    const error = await lock().catch((refusal: unknown) => refusal);
    expect(error).toBeInstanceOf(DirectoryLockedError);
    expect(error).toMatchObject({ pid: process.pid });
    expect(`${error}`).toContain(`${directory} is in use by process ${process.pid}`);
    await held.release();
    await (await lock()).release();
  });

  it('sees through another path to the same directory', async () => {
    const held = await lock();
    const alias = `${directory}-alias`;
    await symlink(directory, alias);
    await expect(lock(alias)).rejects.toThrow(DirectoryLockedError);
    await rm(alias);
    await held.release();
  });

  it('does not mix up directories', async () => {
    const held = await lock();
    const beside = await lock(path.join(directory, 'beside'));
    await beside.release();
    await held.release();
  });

  it('holds a directory whose path is too long for a socket', async () => {
    const long = path.join(directory, 'a'.repeat(120));
    const held = await lock(long);
    await expect(lock(long)).rejects.toThrow(DirectoryLockedError);
    await held.release();
    await (await lock(long)).release();
  });

  it('leaves nothing behind when it is released', async () => {
    await (await lock()).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('refuses a directory that another process holds, and takes it at once after kill -9', async () => {
    const holder = start();
    await holder.lineStarting('locked');
    const error = await lock().catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ name: 'DirectoryLockedError', pid: holder.child.pid });
    await holder.kill();
    const held = await lock();
    expect(JSON.parse(await readFile(path.join(directory, 'holder.json'), 'utf8'))).toMatchObject({
      pid: process.pid,
    });
    await held.release();
  });

  it('gives it to one of several that ask for it at once', async () => {
    const attempts = await Promise.allSettled([lock(), lock(), lock(), lock()]);
    const held = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(held).toHaveLength(1);
    for (const each of held) await each.release();
  });

  it('takes over from a dead holder with the pid of a living process', async () => {
    const holder = { ...(await currentHolder()), startTicks: '1' };
    await writeFile(path.join(directory, 'holder.json'), JSON.stringify(holder));
    await (await lock()).release();
  });

  it.each(['', '{', '{"pid":"x"}', 'null'])('takes over from a holder file that says %j', async (content) => {
    await writeFile(path.join(directory, 'holder.json'), content);
    await (await lock()).release();
  });

  describe.runIf(process.platform === 'linux')('without the abstract socket, as between containers', () => {
    it('refuses while the socket file is answered', async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(path.join(directory, 'lock.sock'), resolve));
      await expect(lock()).rejects.toThrow(DirectoryLockedError);
      await new Promise((resolve) => server.close(resolve));
      await (await lock()).release();
    });

    it('refuses while the named process lives', async () => {
      const holder = start();
      await holder.lineStarting('locked');
      const content = await readFile(path.join(directory, 'holder.json'), 'utf8');
      const copy = path.join(directory, 'copy');
      await (await lock(copy)).release();
      await writeFile(path.join(copy, 'holder.json'), content);
      await expect(lock(copy)).rejects.toMatchObject({ pid: holder.child.pid });
      await holder.kill();
      await (await lock(copy)).release();
    });

    it('refuses a directory held in another network namespace', async (context) => {
      if (!canUnshare()) context.skip('network namespaces need root');
      const holder = start(['unshare', '--net', '--pid', '--fork', '--kill-child']);
      await holder.lineStarting('locked');
      await expect(lock()).rejects.toThrow(DirectoryLockedError);
      await holder.kill();
      await (await lock()).release();
    });
  });
});
