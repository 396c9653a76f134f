import { describe, expect, it } from 'vitest';
import type { DestinationRule } from '../domain/destination.ts';
import { changeSession } from './change-session.ts';
import { openSessions } from './open-sessions.ts';
import { relayMessage } from './relay-message.ts';
import { resolveParticipants } from './resolve-participants.ts';
import { createWorld, person, TENANT, type World } from './testing/world.ts';
import { updatePool } from './update-pool.ts';

/** Persons below 1,000 have British numbers, those above Canadian ones; all of them are fiction. */
const [BRITISH, BRITISH_TOO, CANADIAN, CANADIAN_TOO] = [1, 2, 1_001, 1_002] as const;
const rule = (change: Partial<DestinationRule>): DestinationRule => ({
  countries: ['GB'],
  types: ['fiction'],
  pairs: null,
  ...change,
});
const MASK_NUMBER_NOT_ALLOWED = expect.objectContaining({ code: 'MASK_NUMBER_NOT_ALLOWED' });

describe('destinations when a number comes in', () => {
  it('opens a session for numbers of the countries and types that are allowed', async () => {
    const world = await createWorld({ pool: { destinations: rule({}) } });
    expect((await world.assign('order-1', [BRITISH, BRITISH_TOO])).outcome).toBe('opened');
  });

  it.each([
    ['another country', [BRITISH, CANADIAN], rule({})],
    ['another type', [BRITISH, BRITISH_TOO], rule({ types: ['mobile', 'fixed_line'] })],
    ['no country of the pool', [CANADIAN, CANADIAN_TOO], rule({ countries: null })],
    ['a pair that is not named', [BRITISH, CANADIAN], rule({ countries: ['*'], pairs: [pair('GB', 'GB')] })],
    ['a pair the other way', [BRITISH, CANADIAN], rule({ countries: ['*'], pairs: [pair('GB', 'CA')] })],
  ])('refuses a session with %s, and names no number', async (_what, people, destinations) => {
    const world = await createWorld({ pool: { destinations } });
    const refused = world.assign('order-1', people);
    await expect(refused).rejects.toEqual(MASK_NUMBER_NOT_ALLOWED);
    const error = (await refused.catch((thrown: unknown) => thrown)) as Error;
    expect(error.message).not.toMatch(/\d{4}/);
    expect(await world.app.storage.run(TENANT, (s) => s.sessions.live('order-1'))).toBeNull();
  });

  it('leaves it to the single path, which refuses, when many orders come at once', async () => {
    const world = await createWorld({ pool: { destinations: rule({}) } });
    const keys = await world.app.vault.keysOf(TENANT);
    const request = async (reference: string, people: readonly number[]) => ({
      reference,
      assignment: 1,
      participants: await resolveParticipants(
        world.app,
        keys,
        people.map((n) => ({ role: `role_${n}`, userId: null, realNumber: person(n) })),
      ),
      cause: { source: 'orders', eventId: reference },
    });
    const requests = [
      await request('order-1', [BRITISH, BRITISH_TOO]),
      await request('order-2', [3, CANADIAN]),
    ];
    const terms = { pool: 'city', mode: 'voice_and_message', expiresInSeconds: null } as const;
    const results = await openSessions(world.app, TENANT, terms, requests);
    expect(results.map(({ outcome }) => outcome)).toEqual(['applied', 'deferred']);
  });

  it('refuses a changed number, and keeps the one before', async () => {
    const world = await createWorld({ pool: { destinations: rule({}) } });
    const opened = await world.assign('order-1', [BRITISH, BRITISH_TOO]);
    const [customer, driver] = opened.session?.participants ?? [];
    const change = { id: customer?.id ?? '', realNumber: person(CANADIAN) };
    const changing = changeSession(world.app, {
      tenant: TENANT,
      sessionId: opened.session?.id ?? '',
      participant: change,
    });
    await expect(changing).rejects.toEqual(MASK_NUMBER_NOT_ALLOWED);
    expect((await world.dial(BRITISH, driver?.virtualNumber ?? null)).reason).toBe('ok');
  });
});

describe('destinations when a call routes', () => {
  const open = async (destinations: DestinationRule) => {
    const world = await createWorld({ pool: { destinations } });
    const { session } = await world.assign('order-1', [BRITISH, CANADIAN]);
    const [toBritish, toCanadian] = (session?.participants ?? []).map((p) => p.virtualNumber);
    return { world, toBritish: toBritish ?? null, toCanadian: toCanadian ?? null };
  };
  const setRule = (world: World, destinations: DestinationRule) =>
    updatePool(world.app, { tenant: TENANT, name: 'city', changes: { destinations } });

  it('refuses what was allowed when the session opened, and connects it again', async () => {
    const { world, toBritish, toCanadian } = await open(rule({ countries: ['GB', 'CA'] }));
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('ok');
    await setRule(world, rule({}));
    const refused = await world.dial(BRITISH, toCanadian);
    expect(refused.reason).toBe('destination_not_allowed');
    expect(refused.instruction).toEqual({ decision: 'announce', announcement: 'neutral' });
    expect((await world.dial(CANADIAN, toBritish)).reason).toBe('ok');
    await setRule(world, rule({ countries: ['*'] }));
    await world.clock.advance(3_700_000);
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('ok');
  });

  it('follows within a second a change that another replica made', async () => {
    const { world, toCanadian } = await open(rule({ countries: ['GB', 'CA'] }));
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('ok');
    const pool = await world.app.storage.run(TENANT, (s) => s.pools.get('city'));
    if (!pool) throw new Error('The pool is gone.');
    await world.app.storage.run(TENANT, (s) => s.pools.update({ ...pool, destinations: rule({}) }));
    await world.clock.advance(1_000);
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('destination_not_allowed');
  });

  it('judges pairs by the country of the virtual number as well', async () => {
    const { world, toBritish, toCanadian } = await open(rule({ countries: ['*'] }));
    await setRule(world, rule({ countries: ['*'], pairs: [{ ...pair('CA', 'GB'), virtualNumber: 'GB' }] }));
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('destination_not_allowed');
    expect((await world.dial(CANADIAN, toBritish)).reason).toBe('ok');
    await setRule(world, rule({ countries: ['*'], pairs: [{ ...pair('CA', 'GB'), virtualNumber: 'CA' }] }));
    expect((await world.dial(CANADIAN, toBritish)).reason).toBe('destination_not_allowed');
  });

  it('classifies the sealed number of a route that has no class yet', async () => {
    const { world, toBritish, toCanadian } = await open(rule({ countries: ['*'] }));
    await world.database.transaction({ kind: 'system' }, (connection) =>
      connection.query({
        name: 'forget_classes',
        text: 'update route set calling_class = null, called_class = null',
      }),
    );
    await setRule(world, rule({}));
    expect((await world.dial(BRITISH, toCanadian)).reason).toBe('destination_not_allowed');
    expect((await world.dial(CANADIAN, toBritish)).reason).toBe('ok');
  });

  it('drops texts by the same rule', async () => {
    const { world, toBritish, toCanadian } = await open(rule({ countries: ['*'] }));
    await setRule(world, rule({}));
    const text = async (id: string, from: number, to: string | null) =>
      (
        await relayMessage(world.app, {
          tenant: TENANT,
          providerAccount: 'operator',
          providerMessageId: id,
          sendingNumber: person(from),
          calledNumber: to as never,
          body: 'Hello',
          attachments: 0,
          mediaUrls: [],
        })
      ).reason;
    expect(await text('m1', BRITISH, toCanadian)).toBe('destination_not_allowed');
    expect(await text('m2', CANADIAN, toBritish)).toBe('ok');
  });
});

function pair(calling: string, called: string) {
  return { calling, called, virtualNumber: '*' };
}
