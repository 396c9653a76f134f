// A program for tests: locks the directory that it is given and keeps it until it is killed.
import { systemClock } from '../../lib/clock.ts';
import { lockDirectory } from '../pglite/directory-lock.ts';

await lockDirectory(process.argv[2] ?? '', systemClock);
console.log('locked');
// The lock alone does not keep a process alive.
setInterval(() => {}, 60_000);
