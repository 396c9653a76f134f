import { appendFileSync } from 'node:fs';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Loaded into a replica by NODE_OPTIONS=--import: SIGUSR2 collects all garbage, and writes what is left into the file that
// COLLECTED_FILE names, a line of JSON each time. What is alive then tells of a leak; what is resident tells of V8 as well.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const file = process.env.COLLECTED_FILE ?? '/dev/null';

process.on('SIGUSR2', () => {
  const from = performance.now();
  // Twice, because what has a finalizer is only freed by the collection after that.
  collect();
  collect();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { malloced_memory: malloced } = getHeapStatistics();
  const pauseMs = Math.round(performance.now() - from);
  appendFileSync(file, `${JSON.stringify({ rss, heapUsed, external, arrayBuffers, malloced, pauseMs })}\n`);
});
