// Loaded into a replica by NODE_OPTIONS=--import: SIGUSR2 blocks its event loop, as a runaway computation would.
const BLOCKED_MS = Number(process.env.BLOCKED_MS ?? 2_000);

process.on('SIGUSR2', () => {
  const until = performance.now() + BLOCKED_MS;
  while (performance.now() < until);
});
