import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { RefusalLimits } from './refusal-limits.ts';
import { createWorld, virtualNumber, type World } from './testing/world.ts';

async function scanned(): Promise<{ world: World; dialled: string; limits: RefusalLimits }> {
  const world = await createWorld({ pool: { hourlyAttemptsMax: 200, concurrentCallsMax: 20 } });
  const limits = new RefusalLimits(world.clock);
  Object.assign(world.app, { refusalLimits: limits });
  const { session } = await world.assign('order-1', [1, 2]);
  return { world, limits, dialled: session?.participants[1]?.virtualNumber ?? '' };
}

describe('who dials number after number', () => {
  it('is refused after six refusals of ten minutes, also where a route is, and not when fully attested', async () => {
    const { world, dialled } = await scanned();
    for (let i = 3; i < 8; i++) expect((await world.dial(1, virtualNumber(i))).reason).toBe('unknown_caller');
    expect((await world.dial(1, dialled)).reason).toBe('ok');
    expect((await world.dial(1, virtualNumber(8))).reason).toBe('unknown_caller');
    const refused = await world.dial(1, dialled);
    expect(refused).toMatchObject({ reason: 'rate_limited', instruction: { announcement: 'neutral' } });
    expect((await world.dial(1, dialled, 'vouched for', 'A')).reason).toBe('ok');
    // Somebody else is not concerned.
    expect((await world.dial(5, virtualNumber(8))).reason).toBe('unknown_caller');
    world.clock.advance(600_000);
    expect((await world.dial(1, dialled)).reason).toBe('ok');
  });

  it('is counted once for a call that is asked about again', async () => {
    const { world, dialled } = await scanned();
    for (let i = 0; i < 20; i++) await world.dial(1, virtualNumber(5), 'the same call');
    expect((await world.dial(1, dialled)).reason).toBe('ok');
  });

  it('is not who dials a number of an order that has ended', async () => {
    const { world, dialled } = await scanned();
    const { closeSession } = await import('./close-session.ts');
    const { session } = await world.assign('order-2', [1, 4]);
    await closeSession(world.app, {
      tenant: world.tenant,
      sessionId: session?.id ?? '',
      reason: 'cancelled',
    });
    const ended = session?.participants[1]?.virtualNumber ?? '';
    for (let i = 0; i < 8; i++) expect((await world.dial(1, ended)).reason).toBe('session_ended');
    expect((await world.dial(1, dialled)).reason).toBe('ok');
  });
});

describe('RefusalLimits', () => {
  const asker = (n: number, number = '+12025550100') => ({
    tenant: 'acme',
    providerAccount: 'operator',
    callerKey: Buffer.from(String(n).padStart(32, '0')),
    virtualNumber: number,
  });

  it('offers strangers nothing after thirty refusals of a minute on one number, or 3,000 at one account', () => {
    const clock = new ManualClock();
    const limits = new RefusalLimits(clock);
    for (let i = 0; i < 29; i++) limits.note(asker(i));
    expect(limits.refusesStrangers(asker(99))).toBe(false);
    limits.note(asker(30));
    expect(limits.refusesStrangers(asker(99))).toBe(true);
    expect(limits.refusesStrangers(asker(99, '+12025550101'))).toBe(false);
    clock.advance(60_000);
    expect(limits.refusesStrangers(asker(99))).toBe(false);
    for (let i = 0; i < 3_000; i++) limits.note(asker(i, `+1202555${String(i).padStart(4, '0')}`));
    expect(limits.refusesStrangers(asker(99, '+12025559999'))).toBe(true);
  });

  it('forgets whom it has not refused within the window, while others come', () => {
    const clock = new ManualClock();
    const limits = new RefusalLimits(clock);
    for (let i = 0; i < 4_000; i++) {
      limits.note(asker(i, `+1202${String(i).padStart(7, '0')}`));
      clock.advance(1_000);
      // Of callers those of ten minutes, of numbers those of one, and the account.
      if (i > 2_000) expect(limits.remembered).toBe(600 + 60 + 1);
    }
  });

  it('holds no more than it says, and forgets whom it has refused longest ago', () => {
    const limits = new RefusalLimits(new ManualClock());
    for (let again = 0; again < 6; again++) limits.note(asker(0));
    expect(limits.refusesCaller(asker(0), null)).toBe(true);
    for (let i = 1; i < 50_000; i++) limits.note(asker(i));
    expect(limits.refusesCaller(asker(0), null)).toBe(true);
    limits.note(asker(50_000));
    expect(limits.refusesCaller(asker(0), null)).toBe(false);
  });
});
