import { describe, expect, it } from 'vitest';
import { applyLateBlocks, blockPerson, unblockPerson } from './block-person.ts';
import { blockParticipant, unblockParticipant } from './block-participant.ts';
import { changeSession } from './change-session.ts';
import { verifyAudit } from './audit.ts';
import { relayMessage } from './relay-message.ts';
import { ACCOUNT, createWorld, person, type World } from './testing/world.ts';
import { toVirtualNumber } from '../domain/virtual-number.ts';

const ACTOR = 'key:test';

async function delivering() {
  const world = await createWorld();
  const { session } = await world.assign('order-1', [1, 2]);
  if (!session) throw new Error('The session did not open.');
  const [customer, driver] = session.participants;
  if (!customer?.virtualNumber || !driver?.virtualNumber) throw new Error('It has no numbers.');
  return { world, session, customer, driver, aaa: customer.virtualNumber, ddd: driver.virtualNumber };
}

function block(world: World, who: { number?: number; userId?: string }) {
  const { app, tenant } = world;
  const realNumber = who.number === undefined ? null : person(who.number);
  const reason = 'Threats, case 4711';
  return blockPerson(app, { tenant, actor: ACTOR, realNumber, userId: who.userId ?? null, reason });
}

const text = (world: World, from: number, to: string) =>
  relayMessage(world.app, {
    tenant: world.tenant,
    providerAccount: ACCOUNT,
    providerMessageId: `m-${from}-${world.clock.now()}-${Math.trunc(world.app.random.next() * 1e9)}`,
    sendingNumber: person(from),
    calledNumber: toVirtualNumber(to),
    body: 'Where are you?',
    attachments: 0,
    mediaUrls: [],
  });

describe('a person whom the company blocks', () => {
  it.each([
    ['by number', { number: 1 }],
    ['by userId', { userId: 'customer-1' }],
  ])('%s is cut off at once, both ways, by call and by text', async (_how, who) => {
    const { world, aaa, ddd } = await delivering();
    expect((await world.dial(1, ddd)).reason).toBe('ok');
    await block(world, who);
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    expect((await world.dial(2, aaa)).reason).toBe('blocked');
    expect((await text(world, 1, ddd)).reason).toBe('blocked');
    expect((await text(world, 2, aaa)).reason).toBe('blocked');
  });

  it('gets no new session, and no answer that was decided before', async () => {
    const { world, ddd } = await delivering();
    expect((await world.dial(1, ddd, 'before')).reason).toBe('ok');
    await block(world, { number: 1 });
    expect((await world.dial(1, ddd, 'before')).instruction.decision).toBe('announce');
    await expect(world.assign('order-2', [1, 3])).rejects.toMatchObject({ code: 'MASK_PERSON_BLOCKED' });
    await expect(world.assign('order-3', [3, 4])).resolves.toMatchObject({ outcome: 'opened' });
  });

  it('cannot come in by a change of number', async () => {
    const { world, session, customer } = await delivering();
    await block(world, { number: 7 });
    const change = { id: customer.id, realNumber: person(7) };
    await expect(
      changeSession(world.app, { tenant: world.tenant, sessionId: session.id, participant: change }),
    ).rejects.toMatchObject({ code: 'MASK_PERSON_BLOCKED' });
  });

  it('stays blocked in a session that is prolonged after its time was over', async () => {
    const { world, session, aaa, ddd } = await delivering();
    const params = { tenant: world.tenant, sessionId: session.id, expiresInSeconds: 60 };
    await changeSession(world.app, params);
    world.clock.advance(60_000);
    await block(world, { number: 1 });
    await changeSession(world.app, params);
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    expect((await world.dial(2, aaa)).reason).toBe('blocked');
  });

  it('stays blocked when the index key is another, because the digest is not made with it', async () => {
    const { world } = await delivering();
    await block(world, { number: 9 });
    const keys = await world.app.vault.keysOf(world.tenant);
    const digest = keys.numberDigest(person(9));
    expect(digest).not.toEqual(keys.callerKey(person(9)));
    const among = await world.app.storage.run(world.tenant, (s) =>
      s.blocks.blockedAmong([
        { numberDigest: keys.numberDigest(person(8)), userId: null },
        { numberDigest: digest, userId: null },
      ]),
    );
    expect([...among]).toEqual([1]);
  });

  it('connects again when it is lifted, unless another block stands', async () => {
    const { world, ddd } = await delivering();
    const byNumber = await block(world, { number: 1 });
    const byUser = await block(world, { userId: 'driver-2' });
    const lift = (id: string) => unblockPerson(world.app, { tenant: world.tenant, actor: ACTOR, id });
    await lift(byNumber.id);
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    await lift(byUser.id);
    expect((await world.dial(1, ddd)).reason).toBe('ok');
    await expect(lift(byUser.id)).rejects.toMatchObject({ code: 'MASK_NOT_FOUND' });
  });

  it('is shown masked, once, and in the audit without the number', async () => {
    const { world } = await delivering();
    const made = await block(world, { number: 1 });
    await expect(block(world, { number: 1 })).rejects.toMatchObject({ code: 'MASK_ALREADY_EXISTS' });
    expect(made.maskedNumber).toBe(person(1).masked);
    const { app, tenant } = world;
    const rows = await app.storage.run(tenant, (s) => s.audit.list(0, 10));
    expect(rows.map(({ action, subject }) => [action, subject])).toContainEqual(['person.blocked', made.id]);
    expect(JSON.stringify(rows)).not.toContain(person(1).reveal());
    expect((await verifyAudit(app, tenant)).broken).toBeNull();
  });

  it('is caught within seconds in a session that opened at the same moment', async () => {
    const { world, ddd } = await delivering();
    const { app, tenant } = world;
    const made = await block(world, { number: 1 });
    // As if the routes had not been visible to the block.
    await app.storage.run(tenant, (s) => s.blocks.lift(made.id));
    expect((await world.dial(1, ddd)).reason).toBe('ok');
    expect(await applyLateBlocks(app)).toBe(2);
    expect((await world.dial(1, ddd)).reason).toBe('blocked');
    expect(await applyLateBlocks(app)).toBe(0);
  });
});

describe('a participant who blocks another', () => {
  const press = (world: World, sessionId: string) =>
    blockParticipant(world.app, {
      tenant: world.tenant,
      actor: ACTOR,
      sessionId,
      participantId: 'customer',
      blocks: 'driver',
    });

  it('is not reached any more, and can still reach out', async () => {
    const { world, session, aaa, ddd } = await delivering();
    const made = await press(world, session.id);
    expect((await world.dial(2, aaa)).reason).toBe('blocked');
    expect((await text(world, 2, aaa)).reason).toBe('blocked');
    expect((await world.dial(1, ddd)).reason).toBe('ok');
    // Pressed twice is pressed once.
    expect((await press(world, session.id)).id).toBe(made.id);
    const lifted = { tenant: world.tenant, actor: ACTOR, sessionId: session.id, id: made.id };
    await unblockParticipant(world.app, lifted);
    expect((await world.dial(2, aaa)).reason).toBe('ok');
  });

  it('stays alone when the other calls from a new number', async () => {
    const { world, session, driver, aaa } = await delivering();
    await press(world, session.id);
    const participant = { id: driver.id, realNumber: person(6) };
    await changeSession(world.app, { tenant: world.tenant, sessionId: session.id, participant });
    expect((await world.dial(6, aaa)).reason).toBe('blocked');
  });

  it('must name two who are there', async () => {
    const { world, session } = await delivering();
    const ask = (participantId: string, blocks: string) =>
      blockParticipant(world.app, {
        tenant: world.tenant,
        actor: ACTOR,
        sessionId: session.id,
        participantId,
        blocks,
      });
    await expect(ask('customer', 'merchant')).rejects.toMatchObject({ code: 'MASK_NOT_FOUND' });
    await expect(ask('customer', 'customer')).rejects.toMatchObject({ code: 'MASK_INVALID_REQUEST' });
  });
});
