import { describe, expect, it } from 'vitest';
import type { CallInstruction } from '../providers/provider.ts';
import { closeSession } from './close-session.ts';
import { endReference } from './end-reference.ts';
import type { OpenOutcome } from './open-session.ts';
import { servePending } from './serve-pending.ts';
import type { SessionView } from './session-view.ts';
import { createWorld, person, TENANT } from './testing/world.ts';

function sessionOf(outcome: OpenOutcome): SessionView {
  if (!outcome.session) throw new Error(`No session: ${outcome.outcome}`);
  return outcome.session;
}

/** The number that stands for the participant in this role. */
function numberOf(session: SessionView, role: string): string {
  const found = session.participants.find((p) => p.role === role)?.virtualNumber;
  if (!found) throw new Error(`Nothing stands for the ${role}.`);
  return found;
}

function connects(instruction: CallInstruction): { to: string; shows: string } | null {
  return instruction.decision === 'bridge'
    ? { to: instruction.destination.reveal(), shows: instruction.callerId }
    : null;
}

describe('openSession', () => {
  it('lets the two reach each other, each showing the number that stands for the caller', async () => {
    const world = await createWorld();
    const session = sessionOf(await world.assign('order-1', [1, 2]));
    const [aaa, ddd] = [numberOf(session, 'customer'), numberOf(session, 'driver')];
    expect(aaa).not.toBe(ddd);
    expect(connects((await world.dial(1, ddd)).instruction)).toEqual({ to: person(2).reveal(), shows: aaa });
    expect(connects((await world.dial(2, aaa)).instruction)).toEqual({ to: person(1).reveal(), shows: ddd });
  });

  it('shows real numbers masked', async () => {
    const world = await createWorld();
    const session = sessionOf(await world.assign('order-1', [1, 2]));
    expect(session.participants.map((p) => p.realNumber)).toEqual(['+44••••••0001', '+44••••••0002']);
  });

  it('gives three participants six routes', async () => {
    const world = await createWorld();
    const session = sessionOf(await world.assign('order-1', [1, 2, 3]));
    const roles = ['customer', 'driver', 'merchant'];
    for (const [i, calling] of roles.entries()) {
      for (const [j, called] of roles.entries()) {
        const connected = connects((await world.dial(i + 1, numberOf(session, called))).instruction);
        const expected = { to: person(j + 1).reveal(), shows: numberOf(session, calling) };
        expect(connected).toEqual(i === j ? null : expected);
      }
    }
  });

  it('keeps a driver’s three orders apart', async () => {
    const world = await createWorld();
    const sessions = [];
    for (const customer of [1, 2, 3])
      sessions.push(sessionOf(await world.assign(`order-${customer}`, [customer, 9])));
    const dialled = sessions.map((session) => numberOf(session, 'customer'));
    expect(new Set(dialled).size).toBe(3);
    for (const [i, number] of dialled.entries()) {
      expect(connects((await world.dial(9, number)).instruction)?.to).toBe(person(i + 1).reveal());
    }
  });

  it('replaces the session when the driver changes, and refuses the first driver from then on', async () => {
    const world = await createWorld();
    const first = sessionOf(await world.assign('order-1', [1, 2], 1));
    const second = sessionOf(await world.assign('order-1', [1, 3], 2));
    expect(numberOf(second, 'driver')).not.toBe(numberOf(first, 'driver'));
    expect((await world.dial(2, numberOf(first, 'customer'))).reason).toBe('session_ended');
    expect((await world.dial(1, numberOf(first, 'driver'))).reason).toBe('session_ended');
    expect(connects((await world.dial(1, numberOf(second, 'driver'))).instruction)?.to).toBe(
      person(3).reveal(),
    );
    const again = await world.assign('order-1', [1, 2], 1);
    expect(again.outcome).toBe('existing');
    expect((await world.assign('order-1', [1, 4], 0)).outcome).toBe('superseded');
  });

  it('opens nothing for an order that has ended already', async () => {
    const world = await createWorld();
    await endReference(world.app, {
      tenant: TENANT,
      reference: 'order-1',
      reason: 'completed',
      cause: { source: 'test', eventId: '1' },
    });
    expect((await world.assign('order-1', [1, 2])).outcome).toBe('ended');
  });

  it('waits when nothing is to spare, and is served before those who come later', async () => {
    const world = await createWorld({
      numbers: 2,
      pool: { numberQuarantineSeconds: 60, pairQuarantineSeconds: 60 },
    });
    const first = sessionOf(await world.assign('order-1', [1, 2]));
    expect((await world.assign('order-2', [3, 4])).outcome).toBe('pending');
    await closeSession(world.app, { tenant: TENANT, sessionId: first.id, reason: 'completed' });
    world.clock.advance(61_000);
    expect((await world.assign('order-3', [5, 6])).outcome).toBe('pending');
    expect(await servePending(world.app, TENANT, 'city')).toBe(1);
    const [served] = await world.app.storage.run(TENANT, (s) =>
      s.sessions.list({ reference: 'order-2' }, { limit: 1, after: null }),
    );
    expect(served?.state).toBe('open');
  });

  it('refuses two people with one number, and one of our numbers as a person’s', async () => {
    const world = await createWorld();
    await expect(world.assign('order-1', [1, 1])).rejects.toMatchObject({ code: 'MASK_EQUAL_NUMBERS' });
  });
});
