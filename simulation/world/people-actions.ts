import { DEADLINE_MS } from '../checks/judge.ts';
import type { Action } from './action.ts';
import { phoneText } from './people.ts';

/** What people do with their phones, and whoever pretends to be an operator. */

export const dial: Action = {
  name: 'dial',
  weight: 14,
  run(play) {
    const { world } = play;
    const { phone, number } = play.anyDialling();
    if (number === null) return;
    const withheld = world.chance(0.05);
    world.trace.say(`phone ${phone} dials ${number}${withheld ? ', withheld' : ''}`);
    play.dial(number, { from: phoneText(phone), withheld });
  },
};

/** Somebody calls again whom they have reached before, whatever has become of the order. */
export const redial: Action = {
  name: 'redial',
  weight: 5,
  run(play) {
    const { world } = play;
    const asked = world.pick(world.network.asked.slice(-12).filter((one) => one.kind === 'call'));
    if (!asked || asked.from === null) return;
    const { from, dialled } = asked;
    world.trace.say(`phone ${from} dials ${dialled} again`);
    play.dial(dialled, { from: phoneText(from) });
  },
};

export const pickUp: Action = {
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

export const text: Action = {
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
export const askAgain: Action = {
  name: 'ask again',
  weight: 8,
  run(play) {
    const { world } = play;
    const earlier = world.network.asked.slice(-40);
    const asked = play.worthAskingAgain(earlier.filter((one) => one.kind === 'call' && one.from !== null));
    if (!asked) return;
    const other = world.chance(0.25);
    play.askAgain(asked, other ? world.int(world.shape.people) : (asked.from ?? 0));
  },
};

/** A call whose decision takes longer than its deadline, and that the operator asks about again. */
export const tooLate: Action = {
  name: 'too late',
  weight: 2.5,
  async run(play) {
    const { world } = play;
    const session = play.anySession();
    if (session?.latest.state !== 'open') return;
    const before = world.network.asked.length;
    play.dialWithin(session);
    for (let gates = world.int(6); gates > 0; gates--) await world.scheduler.openOne();
    await world.advance(450, false);
    await world.advance(6_000, true);
    const late = world.network.asked.slice(before).find((one) => one.answeredAt - one.askedAt >= DEADLINE_MS);
    if (late === undefined) return;
    world.reached.count('a decision came too late');
    play.askAgain(late, late.from ?? 0);
  },
};

export const forge: Action = {
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
