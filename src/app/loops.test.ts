import { describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../domain/virtual-number.ts';
import { PhoneNumber } from '../privacy/phone-number.ts';
import { changeSession } from './change-session.ts';
import { importVirtualNumber } from './import-virtual-number.ts';
import { openSession } from './open-session.ts';
import { openSessions } from './open-sessions.ts';
import { resolveParticipants } from './resolve-participants.ts';
import { routeCall } from './route-call.ts';
import { ACCOUNT, createWorld, person, virtualNumber, type World } from './testing/world.ts';

const INVENTORY = 12;

function phone(e164: string): PhoneNumber {
  const number = PhoneNumber.parse(e164);
  if (!number) throw new Error('That is no number.');
  return number;
}

function open(world: World, reference: string, numbers: readonly PhoneNumber[]) {
  return openSession(world.app, {
    tenant: world.tenant,
    pool: 'city',
    reference,
    assignment: 1,
    mode: 'voice_and_message',
    expiresInSeconds: null,
    cause: null,
    participants: numbers.map((realNumber, i) => ({ role: `role_${i}`, userId: null, realNumber })),
  });
}

describe('calls that would circle (SEC-17)', () => {
  it('are refused over the whole product of inventory and inventory, also where somebody has a session', async () => {
    const world = await createWorld({ numbers: INVENTORY, pool: { stepUp: 'pin' } });
    await world.assign('order-1', [1, 2]);
    let asked = 0;
    for (let from = 0; from < INVENTORY; from++) {
      for (let to = 0; to < INVENTORY; to++) {
        const routed = await routeCall(world.app, {
          tenant: world.tenant,
          providerAccount: ACCOUNT,
          providerCallId: `loop ${from} ${to}`,
          kind: 'call',
          callingNumber: phone(virtualNumber(from)),
          calledNumber: virtualNumber(to),
          attestation: 'A',
          digits: null,
          collectsPin: true,
        });
        // Not even a PIN is asked of one of our own numbers.
        expect(routed.instruction).toEqual({ decision: 'announce', announcement: 'neutral' });
        asked++;
      }
    }
    expect(asked).toBe(INVENTORY ** 2);
  });

  it('are refused when a session opens: one by one, in a batch, and by a change of number', async () => {
    const world = await createWorld({ numbers: INVENTORY });
    for (let n = 0; n < INVENTORY; n++) {
      const numbers = [phone(virtualNumber(n)), person(1)];
      await expect(open(world, `order-${n}`, numbers)).rejects.toMatchObject({
        code: 'MASK_NUMBER_NOT_ALLOWED',
      });
    }
    const { app, tenant } = world;
    const keys = await app.vault.keysOf(tenant);
    const requested = [
      { role: 'customer', userId: null, realNumber: phone(virtualNumber(3)) },
      { role: 'driver', userId: null, realNumber: person(2) },
    ];
    const participants = await resolveParticipants(app, keys, requested);
    const cause = { source: '/orders', eventId: 'e1' };
    const terms = { pool: 'city', mode: 'voice_and_message', expiresInSeconds: null } as const;
    const [result] = await openSessions(app, tenant, terms, [
      { reference: 'batch-1', assignment: 1, participants, cause },
    ]);
    expect(result?.outcome).toBe('deferred');
    const { session } = await world.assign('order-x', [1, 2]);
    const participant = { id: session?.participants[0]?.id ?? '', realNumber: phone(virtualNumber(5)) };
    await expect(
      changeSession(app, { tenant, sessionId: session?.id ?? '', participant }),
    ).rejects.toMatchObject({ code: 'MASK_NUMBER_NOT_ALLOWED' });
  });

  it('are stopped when a number becomes ours that somebody had given as their own', async () => {
    const world = await createWorld({ numbers: 6 });
    const { session } = await open(world, 'order-1', [phone(virtualNumber(70)), person(2)]);
    const [first, second] = session?.participants ?? [];
    expect((await world.dial(2, first?.virtualNumber ?? null)).reason).toBe('ok');
    await importVirtualNumber(world.app, {
      tenant: world.tenant,
      virtualNumber: virtualNumber(70),
      pool: 'city',
      providerAccount: ACCOUNT,
      capabilities: ['voice', 'sms'],
    });
    expect((await world.dial(2, first?.virtualNumber ?? null)).reason).toBe('blocked');
    const circling = await routeCall(world.app, {
      tenant: world.tenant,
      providerAccount: ACCOUNT,
      providerCallId: 'circling',
      kind: 'call',
      callingNumber: phone(virtualNumber(70)),
      calledNumber: toVirtualNumber(second?.virtualNumber ?? ''),
      attestation: null,
      digits: null,
    });
    expect(circling.reason).toBe('blocked');
  });
});
