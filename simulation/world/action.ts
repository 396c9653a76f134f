import type { Play } from './play.ts';

/** One thing that may happen in a step. `weight` is how often, relative to the others. */
export interface Action {
  readonly name: string;
  readonly weight: number;
  run(play: Play): void | Promise<void>;
}
