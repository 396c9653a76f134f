import { announceCall } from '../../src/app/announce-call.ts';
import { blockParticipant } from '../../src/app/block-participant.ts';
import { blockPerson } from '../../src/app/block-person.ts';
import { createPin } from '../../src/app/create-pin.ts';
import { updatePool } from '../../src/app/update-pool.ts';
import type { Opening } from '../checks/permissions.ts';
import type { Member, SessionHistory } from '../checks/session-history.ts';
import type { Action } from './action.ts';
import { phoneNumber, phoneText, SECOND, userIdOf } from './people.ts';
import type { Play } from './play.ts';
import { POOL, type Replica, TENANT } from './replica.ts';
import type { World } from './world.ts';

const ACTOR = 'key:company';
/** The phone of somebody in particular who is no participant. */
const BORROWED = 20;

/** Asks a replica, and notes when it has confirmed. */
function ask(
  world: World,
  replica: Replica,
  name: string,
  wish: { doneAt: number | null },
  work: () => Promise<unknown>,
): void {
  const asking = replica.life.orDeath(work()).then(() => {
    wish.doneAt = world.clock.now();
    world.reached.count(`confirmed: ${name}`);
  });
  world.start(name, asking);
}

/** Two participants of some session, and a replica that can be asked. */
interface Pair {
  readonly session: SessionHistory;
  readonly replica: Replica;
  readonly one: Member;
  readonly other: Member;
}

function anyPair(play: Play): Pair | null {
  const { world } = play;
  const session = play.anySession();
  const replica = world.anyReplica();
  const one = session && world.pick(session.latest.members);
  const other = session && world.pick(session.latest.members.filter((member) => member !== one));
  return session && replica && one && other ? { session, replica, one, other } : null;
}

/** One participant does not want to hear of another any more. */
const blockOther: Action = {
  name: 'block a participant',
  weight: 2,
  run(play) {
    const { world } = play;
    const pair = anyPair(play);
    if (!pair) return;
    const { session, replica, one: blocking, other: blocked } = pair;
    world.trace.say(`the ${blocking.role} of ${session.reference} blocks the ${blocked.role}`);
    const wish = {
      askedAt: world.clock.now(),
      doneAt: null,
      sessionId: session.id,
      blocking: blocking.role,
      blocked: blocked.role,
    };
    world.permissions.pairs.push(wish);
    const params = { tenant: TENANT, actor: ACTOR, sessionId: session.id };
    ask(world, replica, 'a participant is blocked', wish, () =>
      blockParticipant(replica.app, { ...params, participantId: blocking.role, blocks: blocked.role }),
    );
  },
};

/** The company blocks somebody, once in a run: or nobody would be left. */
const blockSomebody: Action = {
  name: 'block a person',
  weight: 0.4,
  run({ world }) {
    const replica = world.anyReplica();
    if (!replica || world.permissions.persons.length > 0) return;
    const person = world.int(world.shape.people);
    const byNumber = world.chance(0.5);
    world.trace.say(`the company blocks person ${person}${byNumber ? ' by number' : ''}`);
    const wish = { askedAt: world.clock.now(), doneAt: null, person };
    world.permissions.persons.push(wish);
    ask(world, replica, 'a person is blocked', wish, () =>
      blockPerson(replica.app, {
        tenant: TENANT,
        actor: ACTOR,
        realNumber: byNumber ? phoneNumber(person) : null,
        userId: userIdOf(person),
        reason: 'A complaint.',
      }),
    );
  },
};

/** The company takes everybody's country from the rule of the pool, or gives it back. */
const changeRule: Action = {
  name: 'change the rule',
  weight: 1,
  run({ world }) {
    const replica = world.anyReplica();
    const last = world.permissions.rules.at(-1);
    if (replica) setRule(world, replica, last?.allows === false);
  },
};

/** Also how everything heals: with no rule in force that keeps anybody out. */
export function setRule(world: World, replica: Replica, allows: boolean): void {
  world.trace.say(`the pool connects to ${allows ? 'everybody' : 'nobody'} from now on`);
  const wish = { askedAt: world.clock.now(), doneAt: null, allows };
  world.permissions.rules.push(wish);
  const { destinations } = world.shape.pool;
  const changes = { destinations: allows ? destinations : { ...destinations, countries: ['US'] } };
  ask(world, replica, `the rule ${allows ? 'allows' : 'forbids'}`, wish, () =>
    updatePool(replica.app, { tenant: TENANT, name: POOL, changes }),
  );
}

/** A participant is about to call from a phone that nobody knows, or withholds the number. */
const announce: Action = {
  name: 'announce a call',
  weight: 4,
  run(play) {
    const { world } = play;
    const pair = anyPair(play);
    if (!pair || world.shape.pool.stepUp === 'none') return;
    const { session, replica, one: caller, other: callee } = pair;
    const phone = otherPhone(world, caller);
    const isNamed = phone !== null && world.chance(0.5);
    world.trace.say(`the ${caller.role} of ${session.reference} announces a call to the ${callee.role}`);
    const wish: Opening = {
      askedAt: world.clock.now(),
      doneAt: null,
      sessionId: session.id,
      caller: caller.role,
      callee: callee.role,
      phone: isNamed ? phone : null,
      pin: null,
      used: new Set(),
    };
    world.permissions.openings.push(wish);
    const params = { tenant: TENANT, sessionId: session.id, caller: caller.role, callee: callee.role };
    ask(world, replica, 'a call is announced', wish, async () => {
      await announceCall(replica.app, { ...params, callingNumber: isNamed ? phoneNumber(phone) : null });
      if (world.chance(0.9)) dialAs(play, phone, callee, null);
    });
  },
};

/** A participant has a PIN and calls from another phone; sometimes somebody guesses. */
const callWithPin: Action = {
  name: 'call with a PIN',
  weight: 4,
  run(play) {
    const { world } = play;
    const pair = anyPair(play);
    if (!pair || world.shape.pool.stepUp !== 'pin') return;
    const { session, replica, one: caller, other: callee } = pair;
    const phone = otherPhone(world, caller);
    if (world.chance(0.3)) {
      world.trace.say(`phone ${phone} guesses a PIN of ${session.reference}`);
      return dialAs(play, phone, callee, '000000');
    }
    world.trace.say(`the ${caller.role} of ${session.reference} gets a PIN`);
    const wish: Opening = {
      askedAt: world.clock.now(),
      doneAt: null,
      sessionId: session.id,
      caller: caller.role,
      callee: null,
      phone: null,
      pin: '',
      used: new Set(),
    };
    const params = { tenant: TENANT, actor: ACTOR, sessionId: session.id, participant: caller.role };
    ask(world, replica, 'a PIN is made', wish, async () => {
      const { pin } = await createPin(replica.app, params);
      wish.pin = pin;
      world.permissions.openings.push(wish);
      dialAs(play, phone, callee, pin);
    });
  },
};

/** The second phone of this person, one that is nobody's, or a withheld number (null). */
function otherPhone(world: World, { phone }: Member): number | null {
  const second = phone >= SECOND ? phone - SECOND : phone + SECOND;
  return world.pick([second, BORROWED, null]) ?? null;
}

function dialAs(play: Play, phone: number | null, { virtualNumber }: Member, pin: string | null): void {
  const { world } = play;
  if (virtualNumber === null) return;
  const from = phoneText(phone ?? BORROWED);
  world.trace.say(`phone ${phone ?? 'withheld'} dials ${virtualNumber}${pin === null ? '' : ' with a PIN'}`);
  play.dial(virtualNumber, { from, withheld: phone === null, ...(pin !== null && { digits: pin }) });
}

export const PERMISSION_ACTIONS: readonly Action[] = [
  blockOther,
  blockSomebody,
  changeRule,
  announce,
  callWithPin,
];
