import { describe, expect, it } from 'vitest';
import { changeSession } from './change-session.ts';
import { openSession } from './open-session.ts';
import { openSessions } from './open-sessions.ts';
import { recordLegStatus } from './record-leg-status.ts';
import { resolveParticipants } from './resolve-participants.ts';
import { ACCOUNT, createWorld, person, type World } from './testing/world.ts';

const DAY = 86_400;
const LOT = { pool: 'city', mode: 'voice_and_message', expiresInSeconds: null } as const;

function open(world: World, reference: string, verifiedAt: readonly (number | null)[]) {
  return openSession(world.app, {
    tenant: world.tenant,
    pool: 'city',
    reference,
    assignment: 1,
    mode: 'voice_and_message',
    expiresInSeconds: null,
    cause: null,
    participants: verifiedAt.map((at, i) => ({
      role: `role_${i}`,
      userId: null,
      realNumber: person(i + 1),
      verifiedAt: at,
    })),
  });
}

describe('numbers that change hands (SEC-15)', () => {
  it('must have been verified as lately as the pool asks', async () => {
    const world = await createWorld({ pool: { verificationMaxAgeSeconds: 30 * DAY } });
    const { app, tenant, clock } = world;
    const now = clock.now();
    const lately = now - 30 * DAY * 1_000;
    const refused = { code: 'MASK_NUMBER_NOT_VERIFIED' };
    await expect(open(world, 'a', [lately, lately - 1])).rejects.toMatchObject(refused);
    await expect(open(world, 'b', [lately, null])).rejects.toMatchObject(refused);
    await expect(open(world, 'c', [lately, now + 120_000])).rejects.toMatchObject(refused);
    const { session } = await open(world, 'd', [lately, now]);
    expect(session?.state).toBe('open');

    const keys = await app.vault.keysOf(tenant);
    const participants = await resolveParticipants(app, keys, [
      { role: 'customer', userId: null, realNumber: person(3), verifiedAt: now },
      { role: 'driver', userId: null, realNumber: person(4) },
    ]);
    const cause = { source: '/orders', eventId: 'e1' };
    const request = { reference: 'e', assignment: 1, participants, cause };
    expect(await openSessions(app, tenant, LOT, [request])).toMatchObject([{ outcome: 'deferred' }]);

    const change = { id: session?.participants[0]?.id ?? '', realNumber: person(9) };
    const changed = (verifiedAt: number | null) =>
      changeSession(app, { tenant, sessionId: session?.id ?? '', participant: { ...change, verifiedAt } });
    await expect(changed(null)).rejects.toMatchObject(refused);
    await changed(now);
    const row = await app.storage.run(tenant, (s) => s.sessions.get(session?.id ?? ''));
    expect(row?.participants.map((p) => p.verifiedAt)).toEqual([now, now]);
  });

  it('are asked of nobody by default', async () => {
    const world = await createWorld();
    expect((await open(world, 'a', [null, null])).outcome).toBe('opened');
  });

  it.each([
    ['sip=404;q850=1', null, 'blocked'],
    ['sip=480', null, 'ok'],
    ['sip=404;q850=1', 'answered', 'ok'],
  ])('are not called again after the network said %j (%s before)', async (nativeCause, before, after) => {
    const world = await createWorld({ pool: { concurrentCallsMax: 20 } });
    const { app, tenant, clock } = world;
    const { session } = await world.assign('order-1', [1, 2]);
    const [customer, driver] = session?.participants ?? [];
    await world.dial(1, driver?.virtualNumber ?? null, 'first');
    const call = { tenant, providerAccount: ACCOUNT, providerCallId: 'first' };
    const at = clock.now();
    if (before) await recordLegStatus(app, { ...call, legStatus: { status: 'answered', at } });
    await recordLegStatus(app, {
      ...call,
      legStatus: { status: 'ended', at, termination: 'failed', durationSeconds: null, nativeCause },
    });
    for (let i = 0; i < 5; i++) {
      expect((await world.dial(1, driver?.virtualNumber ?? null)).reason).toBe(after);
    }
    // The other way is not concerned.
    expect((await world.dial(2, customer?.virtualNumber ?? null)).reason).toBe('ok');
  });
});
