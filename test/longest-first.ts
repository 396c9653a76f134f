import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Seconds that the slowest files take on two quiet processors. Whoever starts them last waits for one of them alone. Only
 * the order matters, so that nothing breaks when they become wrong.
 */
const SECONDS: Readonly<Record<string, number>> = {
  'simulation/simulation.test.ts': 69,
  'test/system/survival.test.ts': 53,
  'test/production/commands.test.ts': 39,
  'test/production/provider-commands.test.ts': 27,
  'test/production/privacy-commands.test.ts': 22,
  'test/system/pages.test.ts': 21,
  'src/bus/kafka/kafka-bus.test.ts': 19,
  'test/privacy/canary-scan.test.ts': 18,
  'test/system/stock.test.ts': 17,
  'test/production/demo.test.ts': 16,
  'test/privacy/canary-production.test.ts': 15,
  'test/production/replay.test.ts': 15,
  'test/races/allocation.test.ts': 12,
  'src/storage/pglite/open-pglite.test.ts': 11,
  'test/races/lots.test.ts': 10,
};

/** Long files of all projects first, each in a process of its own; then those that share one, the longest first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    const place = new Map(usual.map((file, i) => [file, i]));
    const seconds = (file: TestSpecification): number =>
      SECONDS[path.relative(this.ctx.config.root, file.moduleId)] ?? 0;
    const shares = (file: TestSpecification): number => (file.project.config.isolate ? 0 : 1);
    return usual.toSorted(
      (a, b) => shares(a) - shares(b) || seconds(b) - seconds(a) || (place.get(a) ?? 0) - (place.get(b) ?? 0),
    );
  }
}
