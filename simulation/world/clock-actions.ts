import { closeSession } from '../../src/app/close-session.ts';
import type { SessionHistory } from '../checks/session-history.ts';
import type { Action } from './action.ts';
import { assignNext } from './order-actions.ts';
import type { Play } from './play.ts';
import { type Replica, TENANT } from './replica.ts';

/** Histories that only a world has in which the clocks of two replicas differ. */

type WayToEnd = 'closed' | 'cancelled' | 'reassigned';
const WAYS: readonly WayToEnd[] = ['closed', 'cancelled', 'reassigned'];

interface Apart {
  readonly behind: Replica;
  readonly ahead: Replica;
  readonly byMs: number;
}

/** The two whose clocks are farthest apart; null when they show the same time. */
function apart({ world }: Play): Apart | null {
  const running = world.replicas.filter(({ life }) => life.alive && !life.paused);
  const bySkew = running.toSorted((a, b) => a.life.clock.skewMs - b.life.clock.skewMs);
  const [behind, ahead] = [bySkew.at(0), bySkew.at(-1)];
  if (!behind || !ahead) return null;
  const byMs = ahead.life.clock.skewMs - behind.life.clock.skewMs;
  return byMs > 1 ? { behind, ahead, byMs } : null;
}

/** Without grace, by one replica and no other. What ends an order comes by the topic. */
async function endBy(replica: Replica, way: WayToEnd, session: SessionHistory, play: Play): Promise<void> {
  const { world } = play;
  const { reference, id } = session;
  if (way === 'closed') {
    world.trace.say(`${reference} is closed through the API by ${replica.life.name}`);
    const closing = closeSession(replica.app, { tenant: TENANT, sessionId: id, reason: 'closed' });
    world.start(
      'end ahead',
      replica.life.orDeath(closing).then(() => undefined),
    );
  } else {
    world.orderTopic.rebalance([replica]);
    if (way === 'cancelled') play.publish({ kind: 'cancelled', order: reference }, '');
    else assignNext(play, reference, play.somePeople(2));
    world.poll();
  }
  await world.scheduler.drain();
  if (way !== 'closed') world.orderTopic.rebalance(world.replicas);
}

/**
 * The replica whose clock is ahead ends a session, and before the other clock shows that time somebody calls within it,
 * and the operator asks the replica whose clock is behind.
 */
const callBehindTheEnd: Action = {
  name: 'call behind the end',
  weight: 1,
  async run(play) {
    const { world } = play;
    const clocks = apart(play);
    if (!clocks) return;
    const open = [...world.observer.sessions.values()].filter(({ latest }) => latest.state === 'open');
    const session = world.pick(open.slice(-14));
    const way = world.pick(WAYS);
    if (!session || !way) return;
    const { behind, ahead, byMs } = clocks;
    await endBy(ahead, way, session, play);
    if (session.latest.state !== 'closed' || !behind.life.alive || behind.life.paused) return;
    await world.advance(1 + world.int(byMs - 1), true);
    const { length } = world.network.asked;
    world.network.prefers = behind;
    play.dialWithin(session);
    await world.scheduler.drain();
    world.network.prefers = null;
    const { closedAt } = session.latest;
    const [asked] = world.network.asked.slice(length);
    if (asked && closedAt !== null && asked.askedAt + asked.skewMs < closedAt)
      world.reached.count('asked before the clock shows the end');
  },
};

export const CLOCK_ACTIONS: readonly Action[] = [callBehindTheEnd];
