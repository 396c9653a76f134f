import { closeSession } from '../../src/app/close-session.ts';
import { readAnswer } from '../checks/asked.ts';
import type { SessionHistory } from '../checks/session-history.ts';
import type { Action } from './action.ts';
import { interleaved } from './interleaved.ts';
import { assignNext } from './order-actions.ts';
import { phoneText } from './people.ts';
import type { Play } from './play.ts';
import { TENANT } from './replica.ts';

/** Histories that chance alone would seldom make: each goes for one narrow place. */

const LONGEST_WAIT_MS = 600_000;
/** An answer is told again for a minute. */
const AFTER_THE_MINUTE_MS = 60_200;
/** Fault points from the beginning of a use case to its end. */
const FUSE_POINTS = 10;
/** One more than the narrowest limits allow. */
const CALLS_AT_ONCE = 3;
const BETWEEN_CALLS_MS = 300;
const ORDERS_OF_LOT = 3;
const STALE_OF_LOTS = 0.7;

function openSession(play: Play): SessionHistory | undefined {
  const { world } = play;
  const latest = [...world.observer.sessions.values()].slice(-14);
  return world.pick(latest.filter((session) => session.latest.state === 'open'));
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
    const before = world.network.asked.length;
    const ringing = play.ringing.length;
    play.dialWithin(session);
    await world.scheduler.drain();
    const asked = world.network.asked.slice(before).find((one) => readAnswer(one.body).connected !== null);
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

/** Somebody calls again, from the same phone, while their first call rings. */
const callMeanwhile: Action = {
  name: 'call meanwhile',
  weight: 1.5,
  async run(play) {
    const { world } = play;
    const session = openSession(play);
    const calling = session && world.pick(session.latest.members);
    const called = session && world.pick(session.latest.members.filter((member) => member !== calling));
    const number = called?.virtualNumber;
    if (!calling || !number) return;
    world.trace.say(`phone ${calling.phone} dials ${number} ${CALLS_AT_ONCE} times at once`);
    for (let call = 0; call < CALLS_AT_ONCE; call++) {
      play.dial(number, { from: phoneText(calling.phone) });
      await world.advance(BETWEEN_CALLS_MS, true);
    }
  },
};

/** Orders of the same people are assigned in lots, of which one sees the numbers as they were before the other. */
const assignTogether: Action = {
  name: 'assign together',
  weight: 1.5,
  async run(play) {
    const { world } = play;
    const { rates } = world.weather;
    world.weather.rates = { ...rates, staleRead: STALE_OF_LOTS };
    const people = play.somePeople(2);
    for (let lot = 0; lot < 2; lot++) {
      for (let order = 0; order < ORDERS_OF_LOT; order++) assignNext(play, play.anyOrder(), people);
      world.poll();
      await world.scheduler.drain();
    }
    world.weather.rates = rates;
  },
};

export const TIGHT_ACTIONS: readonly Action[] = [
  dialAtTheEnd,
  askMuchLater,
  askBoth,
  closeAndDie,
  callMeanwhile,
  assignTogether,
];
