import type { Action } from './action.ts';
import type { Play } from './play.ts';

/** What the Orders service says. */

export const assign: Action = {
  name: 'assign',
  weight: 10,
  run(play) {
    const { world, book } = play;
    const order = play.anyOrder();
    const highest = book.highest.get(order) ?? 0;
    const late = world.chance(0.15);
    const assignment = late ? Math.max(0, highest - world.int(3)) : highest + 1 + world.int(2);
    book.highest.set(order, Math.max(highest, assignment));
    const people = play.somePeople(world.chance(0.25) ? 3 : 2);
    play.publish({ kind: 'assigned', order, assignment, people }, `${assignment} to ${people.join(', ')}`);
  },
};

export const place: Action = {
  name: 'place',
  weight: 3,
  run: (play) => play.publish({ kind: 'placed', order: play.anyOrder() }, ''),
};

export function end(kind: 'completed' | 'cancelled', weight: number): Action {
  return { name: kind, weight, run: (play) => play.publish({ kind, order: play.anyOrder() }, '') };
}

export const poison: Action = {
  name: 'poison',
  weight: 0.5,
  run: (play) => play.publish({ kind: 'poison', order: play.anyOrder() }, ''),
};

/** What comes after all that were assigned to this order before. */
export function assignNext(play: Play, order: string, people: readonly number[]): void {
  const assignment = (play.book.highest.get(order) ?? 0) + 1;
  play.book.highest.set(order, assignment);
  play.publish({ kind: 'assigned', order, assignment, people }, `${assignment} to ${people.join(', ')}`);
}
