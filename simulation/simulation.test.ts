import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSharedEngine } from './engine.ts';
import { sourcePath } from './load-product.ts';
import { MUTANTS } from './mutants/all-mutants.ts';
import { plant } from './mutants/mutant.ts';
import { SeedRunner } from './product.ts';
import { REGRESSION_SEEDS } from './regression-seeds.ts';
import { shorten } from './shorten.ts';
import { Reached } from './world/reached.ts';

const STEPS = 100;
/** The gate of a pull request is a budget, not a proof: the nightly run has thousands. */
const SEEDS = 12;

/** What must have happened somewhere in these seeds, or they prove little. */
const MUST_BE_REACHED = [
  'connected call',
  'refused: neutral',
  'refused: session ended',
  'asked again',
  'session new → open',
  'session new → pending',
  'session closed: reassigned',
  'session closed: expired',
  'superseded',
  'assigned after its end',
  'a number is lent again',
  'a replica died',
  'purchase',
];

let runner: SeedRunner;
beforeAll(async () => {
  runner = await SeedRunner.open(await startSharedEngine(), null);
});
afterAll(() => runner.close());

describe('the simulation', () => {
  it(`finds nothing wrong in ${SEEDS} seeds, and reaches what matters`, { timeout: 120_000 }, async () => {
    const reached = new Reached();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { failure } = await runner.run({ seed, steps: STEPS, reached });
      expect(failure, `npm run simulate -- --seed ${seed} --steps ${STEPS}`).toBeNull();
    }
    const counts: Record<string, number> = reached.toJSON();
    for (const what of MUST_BE_REACHED) expect(counts[what] ?? 0, what).toBeGreaterThan(0);
  });

  it('repeats itself to the last byte', { timeout: 60_000 }, async () => {
    const first = await runner.run({ seed: 3, steps: STEPS });
    const between = await runner.run({ seed: 4, steps: STEPS });
    const again = await runner.run({ seed: 3, steps: STEPS });
    expect(again.trace).toBe(first.trace);
    expect(between.trace).not.toBe(first.trace);
  });

  it.each(REGRESSION_SEEDS)(
    'holds seed $seed: $found',
    { timeout: 60_000 },
    async ({ seed, steps, without }) => {
      expect((await runner.run({ seed, steps, without })).failure).toBeNull();
    },
  );

  it('shortens a history to what still fails in the same way', async () => {
    const failing = async (one: { seed: number; steps: number; without: readonly string[] }) => {
      const fails = one.steps >= 20 && !one.without.includes('kill');
      return {
        seed: one.seed,
        steps: one.steps,
        trace: '',
        failure: fails ? 'INV-99 broken' : null,
        failedAt: fails ? one.steps : null,
        history: [],
        simulatedMs: 0,
      };
    };
    const failed = await failing({ seed: 1, steps: 150, without: [] });
    const { result, without } = await shorten(failing, failed, [], 100);
    expect(result.steps).toBe(20);
    expect(without).toContain('crash');
    expect(without).not.toContain('kill');
  });
});

describe('the mutation exam', () => {
  it('has at least 24 defects, each of which fits the sources', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(24);
    expect(new Set(MUTANTS.map((mutant) => mutant.name)).size).toBe(MUTANTS.length);
    for (const mutant of MUTANTS) {
      for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
        const source = readFileSync(sourcePath(file), 'utf8');
        expect(plant(mutant, file, source), mutant.name).not.toBe(source);
      }
    }
  });

  // Those that a handful of seeds finds; docs/reliability.md has the table of all.
  it.each([
    'shows-the-wrong-number',
    'number-does-not-rest',
    'tombstone-ignored',
    'offset-before-commit',
    'purchase-without-intent',
  ])('finds %s', { timeout: 120_000 }, (name) => {
    const cli = fileURLToPath(new URL('./cli.ts', import.meta.url));
    const args = [cli, '--exam', '--mutant', name, '--runs', '20', '--steps', '150', '--json'];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
  });
});
