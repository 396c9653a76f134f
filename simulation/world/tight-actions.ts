import { closeSession } from '../../src/app/close-session.ts';
import { readAnswer } from '../checks/judge.ts';
import type { SessionHistory } from '../checks/session-history.ts';
import type { Action } from './actions.ts';
import type { Play } from './play.ts';
import { TENANT } from './replica.ts';
import type { World } from './world.ts';

/** Histories that chance alone would seldom make: each goes for one narrow place. */

const LONGEST_WAIT_MS = 600_000;
/** An answer is told again for a minute. */
const AFTER_THE_MINUTE_MS = 60_200;
const CLOSE_INTERLEAVING = 0.5;
/** Fault points from the beginning of a use case to its end. */
const FUSE_POINTS = 10;

function openSession(play: Play): SessionHistory | undefined {
  const { world } = play;
  const latest = [...world.observer.sessions.values()].slice(-14);
  return world.pick(latest.filter((session) => session.latest.state === 'open'));
}

/** As if this were a world of fine interleaving, for a while. */
async function interleaved(world: World, work: () => Promise<void>): Promise<void> {
  const { scheduler } = world;
  const before = scheduler.gating;
  scheduler.gating = Math.max(before, CLOSE_INTERLEAVING);
  await work();
  scheduler.gating = before;
}

/** Somebody dials in the very millisecond in which a session expires. */
const dialAtTheEnd: Action = {
  name: 'dial at the end',
  weight: 2.5,
  async run(play) {
    const { world } = play;
    const session = openSession(play);
    if (!session) return;
    const left = session.latest.expiresAt - world.clock.now();
    if (left <= 0 || left > LONGEST_WAIT_MS) return;
    world.trace.say(`${(left / 1_000).toFixed(3)} s pass, and ${session.reference} expires`);
    await world.advance(left, true);
    world.reached.count('dialled in the millisecond of the end');
    play.dialWithin(session);
  },
};

/** People talk for longer than a minute, and the operator asks about the call once more. */
const askMuchLater: Action = {
  name: 'ask much later',
  weight: 2,
  async run(play) {
    const { world } = play;
    const session = openSession(play);
    if (!session || world.shape.pool.maxCallSeconds < 60) return;
    const before = world.asked.length;
    const ringing = play.ringing.length;
    play.dialWithin(session);
    await world.scheduler.drain();
    const asked = world.asked.slice(before).find((one) => readAnswer(one.body).connected !== null);
    const call = play.ringing[ringing];
    if (!asked || !call || asked.id !== call.callId) return;
    call.operator.exchange.calls.answer(call.callId);
    await world.advance(AFTER_THE_MINUTE_MS, true);
    world.reached.count('asked again after the minute');
    play.askAgain(asked, asked.from ?? 0);
  },
};

/** The operator asks both replicas about one call; the one is quick, and the other late. */
const askBoth: Action = {
  name: 'ask both',
  weight: 2,
  async run(play) {
    const { world } = play;
    const session = openSession(play);
    if (!session) return;
    const { rates } = world.weather;
    world.weather.rates = { ...rates, askTwice: 1 };
    await interleaved(world, async () => {
      play.dialWithin(session);
      await world.scheduler.settle();
      for (let gates = 2 + world.int(16); gates > 0; gates--) await world.scheduler.openOne();
      await world.advance(450, false);
    });
    world.weather.rates = rates;
    await world.advance(1_000, true);
  },
};

/** Whoever asks for the end of a session does not hear whether it ended, because the replica died meanwhile. */
const closeAndDie: Action = {
  name: 'close and die',
  weight: 1,
  run(play) {
    const { world } = play;
    const session = openSession(play);
    const replica = world.anyReplica();
    if (!session || !replica) return;
    world.trace.say(`${session.reference} is closed through the API by a replica that will die`);
    replica.life.fuse = world.int(FUSE_POINTS);
    const params = { tenant: TENANT, sessionId: session.id, reason: 'closed' } as const;
    const closing = replica.life.orDeath(closeSession(replica.app, params)).then(() => undefined);
    world.start('close and die', closing);
  },
};

/** All replicas find at once that the stock is low. */
const buyTogether: Action = {
  name: 'buy together',
  weight: 1.5,
  async run({ world }) {
    await interleaved(world, async () => {
      for (const replica of world.replicas)
        if (replica.life.alive && !replica.life.paused) world.runJob(replica, 'stock-keeper');
      await world.scheduler.drain();
    });
  },
};

export const TIGHT_ACTIONS: readonly Action[] = [
  dialAtTheEnd,
  askMuchLater,
  askBoth,
  closeAndDie,
  buyTogether,
];
