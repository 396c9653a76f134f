import type { World } from './world.ts';

const CLOSE_INTERLEAVING = 0.5;

/** As if this were a world of fine interleaving, for a while. */
export async function interleaved(world: World, work: () => Promise<void>): Promise<void> {
  const { scheduler } = world;
  const before = scheduler.gating;
  scheduler.gating = Math.max(before, CLOSE_INTERLEAVING);
  await work();
  scheduler.gating = before;
}
