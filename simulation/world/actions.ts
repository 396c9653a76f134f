import { changeSession } from '../../src/app/change-session.ts';
import { changeVirtualNumber } from '../../src/app/change-virtual-number.ts';
import { closeSession } from '../../src/app/close-session.ts';
import { type VirtualNumber, VirtualNumberState } from '../../src/domain/virtual-number.ts';
import { TENANT } from './replica.ts';
import { demand } from './violation.ts';
import type { Play } from './play.ts';
import { phoneNumber, phoneText, SECOND } from './people.ts';

/** One thing that may happen in a step. `weight` is how often, relative to the others. */
export interface Action {
  readonly name: string;
  readonly weight: number;
  run(play: Play): void | Promise<void>;
}

const assign: Action = {
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

const place: Action = {
  name: 'place',
  weight: 3,
  run: (play) => play.publish({ kind: 'placed', order: play.anyOrder() }, ''),
};

function end(kind: 'completed' | 'cancelled', weight: number): Action {
  return { name: kind, weight, run: (play) => play.publish({ kind, order: play.anyOrder() }, '') };
}

const poison: Action = {
  name: 'poison',
  weight: 0.5,
  run: (play) => play.publish({ kind: 'poison', order: play.anyOrder() }, ''),
};

const dial: Action = {
  name: 'dial',
  weight: 14,
  run(play) {
    const { world } = play;
    const { phone, number } = play.anyDialling();
    if (number === null) return;
    const withheld = world.chance(0.05);
    world.trace.say(`phone ${phone} dials ${number}${withheld ? ', withheld' : ''}`);
    const { calls } = world.operatorOf(number).exchange;
    const dialling = calls.dial({ from: phoneText(phone), to: number, withheld }).then((call) => {
      if (call.state !== 'ringing') return call.state;
      play.ringing.push({ operator: world.operatorOf(number), callId: call.callId });
      return 'rings';
    });
    world.start(`dial ${number}`, dialling);
  },
};

/** Somebody calls again whom they have reached before, whatever has become of the order. */
const redial: Action = {
  name: 'redial',
  weight: 5,
  run(play) {
    const { world } = play;
    const asked = world.pick(world.asked.slice(-12).filter((one) => one.kind === 'call'));
    if (!asked || asked.from === null) return;
    const { from, dialled } = asked;
    world.trace.say(`phone ${from} dials ${dialled} again`);
    const operator = world.operatorOf(dialled);
    const dialling = operator.exchange.calls.dial({ from: phoneText(from), to: dialled }).then((call) => {
      if (call.state === 'ringing') play.ringing.push({ operator, callId: call.callId });
      return call.state;
    });
    world.start('redial', dialling);
  },
};

const pickUp: Action = {
  name: 'answer or hang up',
  weight: 7,
  run(play) {
    const { world } = play;
    const call = world.pick(play.ringing);
    if (!call) return;
    const { exchange } = call.operator;
    const { state } = exchange.calls.find(call.callId);
    world.trace.say(`${call.callId} was ${state}`);
    if (state === 'ringing' && world.chance(0.7)) exchange.calls.answer(call.callId);
    else exchange.calls.hangUp(call.callId, world.chance(0.5) ? 'caller' : 'callee');
    if (exchange.calls.find(call.callId).endedAt !== null) play.ringing.splice(play.ringing.indexOf(call), 1);
  },
};

const text: Action = {
  name: 'text',
  weight: 3,
  run(play) {
    const { world } = play;
    const { phone, number } = play.anyDialling();
    if (number === null) return;
    world.trace.say(`phone ${phone} writes to ${number}`);
    const { messages } = world.operatorOf(number).exchange;
    const sent = messages.send({ from: phoneText(phone), to: number, body: 'Where are you?' });
    world.start(
      `text ${number}`,
      sent.then((message) => message.state),
    );
  },
};

/** What was asked before is asked again: by the operator, or by somebody who has captured it. */
const askAgain: Action = {
  name: 'ask again',
  weight: 8,
  run(play) {
    const { world } = play;
    const earlier = world.asked.slice(-40);
    const asked = play.worthAskingAgain(earlier.filter((one) => one.kind === 'call' && one.from !== null));
    if (!asked) return;
    const other = world.chance(0.25);
    play.askAgain(asked, other ? world.int(world.shape.people) : (asked.from ?? 0));
  },
};

/** A call whose decision takes longer than its deadline, and that the operator asks about again. */
const tooLate: Action = {
  name: 'too late',
  weight: 2.5,
  async run(play) {
    const { world } = play;
    const session = play.anySession();
    if (session?.latest.state !== 'open') return;
    const before = world.asked.length;
    play.dialWithin(session);
    for (let gates = world.int(6); gates > 0; gates--) await world.scheduler.openOne();
    await world.advance(450, false);
    await world.advance(6_000, true);
    const late = world.asked.slice(before).find((one) => one.answeredAt - one.askedAt >= 400);
    if (late === undefined) return;
    world.reached.count('a decision came too late');
    play.askAgain(late, late.from ?? 0);
  },
};

const forge: Action = {
  name: 'forge',
  weight: 1.5,
  run(play) {
    const { world } = play;
    const { phone, number } = play.anyDialling();
    if (number === null) return;
    const right = world.operatorOf(number);
    const wrong = world.operators.find((one) => one !== right) ?? right;
    const body = JSON.stringify({ callId: `forged-${play.serial()}`, from: phoneText(phone), to: number });
    const crossAccount = world.chance(0.5);
    world.trace.say(
      `somebody ${crossAccount ? 'asks over another account' : 'forges a question'} for ${number}`,
    );
    world.reached.count(crossAccount ? 'asked over another account' : 'forged');
    // Over another account everything is genuine except that the number is not of that account.
    const ask = crossAccount
      ? play.signedAsk(wrong, wrong, 'answer', body, { illegitimate: true })
      : play.signedAsk(right, wrong, 'answer', body, { illegitimate: true });
    world.start('forge', ask);
  },
};

const apiClose: Action = {
  name: 'close through the API',
  weight: 1.5,
  run(play) {
    const { world } = play;
    const session = play.anySession();
    const replica = world.anyReplica();
    if (!session || !replica) return;
    world.trace.say(`${session.reference} is closed through the API`);
    const { life, app } = replica;
    const params = { tenant: TENANT, sessionId: session.id, reason: 'closed' } as const;
    const closing = life.orDeath(closeSession(app, params)).then(async () => {
      await world.observe();
      // Acknowledged means committed (INV-32).
      demand(
        session.latest.state === 'closed',
        () => `INV-32 the end of ${session.id} was confirmed and is not there`,
      );
      world.reached.count('a confirmed end is there');
    });
    world.start('api close', closing);
  },
};

const apiChange: Action = {
  name: 'change through the API',
  weight: 2,
  run(play) {
    const { world } = play;
    const session = play.anySession();
    const replica = world.anyReplica();
    if (!session || !replica || session.latest.state === 'closed') return;
    const { life, app } = replica;
    if (world.chance(0.5)) {
      const expiresInSeconds = 1 + world.int(world.shape.pool.sessionTtlSeconds * 2);
      world.trace.say(`${session.reference} shall last ${expiresInSeconds} s`);
      const params = { tenant: TENANT, sessionId: session.id, expiresInSeconds };
      world.start(
        'api extend',
        life.orDeath(changeSession(app, params)).then(() => undefined),
      );
      return;
    }
    const member = world.pick(session.latest.members);
    if (!member) return;
    const phone = member.phone >= SECOND ? member.phone - SECOND : member.phone + SECOND;
    world.trace.say(`the ${member.role} of ${session.reference} has phone ${phone} now`);
    const change = async (): Promise<void> => {
      const row = await app.storage.run(TENANT, (s) => s.sessions.get(session.id));
      const participant = row?.participants.find((one) => one.role === member.role);
      if (!participant) return;
      const params = {
        tenant: TENANT,
        sessionId: session.id,
        participant: { id: participant.id, realNumber: phoneNumber(phone) },
      };
      await changeSession(app, params);
      world.reached.count('a participant changed phones');
    };
    world.start('api change', life.orDeath(change()));
  },
};

/** A person takes a number out of service, puts it back, or gives it back to the operator. */
const change: Action = {
  name: 'change a number',
  weight: 1.2,
  run(play) {
    const { world } = play;
    const replica = world.anyReplica();
    const operator = world.pick(world.operators);
    const virtualNumber = world.pick(operator?.heldNumbers() ?? []);
    const { Draining, InService, Suspended, Decommissioned } = VirtualNumberState;
    const state = world.pick([Draining, Draining, Draining, InService, Suspended, Decommissioned]);
    if (!replica || virtualNumber === undefined || state === undefined) return;
    world.trace.say(`${virtualNumber} is to be ${state}`);
    const params = { tenant: TENANT, virtualNumber: virtualNumber as VirtualNumber, state };
    const changing = replica.life.orDeath(changeVirtualNumber(replica.app, params));
    world.start(
      'change a number',
      changing.then(() => undefined),
    );
  },
};

const job: Action = {
  name: 'job',
  weight: 22,
  run(play) {
    const { world } = play;
    const replica = world.anyReplica();
    const one = replica && world.pick(replica.jobs);
    if (replica && one) world.runJob(replica, one.name);
  },
};

const wait: Action = {
  name: 'wait',
  weight: 8,
  async run(play) {
    const { world } = play;
    const boundary = world.chance(0.4) ? play.nextBoundary() : null;
    const ms = boundary?.ms ?? play.anySpan();
    if (boundary !== null) world.reached.count('exactly at a boundary');
    world.trace.say(`${(ms / 1_000).toFixed(3)} s pass`);
    // Mostly everybody is quick; sometimes whoever is at a gate is slow, past its deadline.
    await world.advance(ms, world.chance(0.8));
    if (boundary === null) return;
    // Whoever waited for this instant does something at once.
    const replica = world.anyReplica();
    if (replica && world.chance(0.7)) world.runJob(replica, 'pending-server');
    if (world.chance(0.4)) assign.run(play);
    if (world.chance(0.7)) play.dialWithin(boundary.session);
  },
};

export const ACTIONS: readonly Action[] = [
  assign,
  place,
  end('completed', 4),
  end('cancelled', 2.5),
  poison,
  dial,
  redial,
  pickUp,
  text,
  askAgain,
  tooLate,
  forge,
  apiClose,
  apiChange,
  change,
  job,
  wait,
];
