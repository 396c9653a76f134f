import { changeSession } from '../../src/app/change-session.ts';
import { changeVirtualNumber } from '../../src/app/change-virtual-number.ts';
import { closeSession } from '../../src/app/close-session.ts';
import { type VirtualNumber, VirtualNumberState } from '../../src/domain/virtual-number.ts';
import type { Action } from './action.ts';
import { assign, end, place, poison } from './order-actions.ts';
import { phoneNumber, SECOND } from './people.ts';
import { askAgain, dial, forge, pickUp, redial, text, tooLate } from './people-actions.ts';
import { TENANT } from './replica.ts';
import { demand } from './violation.ts';

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
