import { describe, expect, it } from 'vitest';
import type { Pool } from '../domain/pool.ts';
import type { VirtualNumber } from '../domain/virtual-number.ts';
import type { TenantStorage } from '../storage/storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { App } from './app.ts';
import { type RelayedMessage, relayMessage } from './relay-message.ts';
import { ACCOUNT, createWorld, person, TENANT } from './testing/world.ts';

const PICTURE = 'https://media.example/picture-1';

async function createChat(pool: Partial<Pool> = {}) {
  const world = await createWorld({ pool });
  const { session } = await world.assign('order-1', [1, 2]);
  const driver = session?.participants[1]?.virtualNumber as VirtualNumber;
  let texts = 0;
  return {
    ...world,
    write: (
      body: string,
      more: { from?: number; mediaUrls?: string[]; attachments?: number; id?: string; app?: App } = {},
    ) =>
      relayMessage(more.app ?? world.app, {
        tenant: TENANT,
        providerAccount: ACCOUNT,
        providerMessageId: more.id ?? `text-${++texts}`,
        sendingNumber: person(more.from ?? 1),
        calledNumber: driver,
        body,
        attachments: more.attachments ?? more.mediaUrls?.length ?? 0,
        mediaUrls: more.mediaUrls ?? [],
      }),
  };
}

/** An app whose database records one text, or not, and then breaks the connection. */
function breaking(app: App, commits: boolean): App {
  let isWhole = true;
  const run: App['storage']['run'] = (tenant, work) =>
    app.storage.run(tenant, (given) => {
      const messages: TenantStorage['messages'] = {
        ...given.messages,
        async insert(...args) {
          if (!isWhole) return given.messages.insert(...args);
          isWhole = false;
          if (commits) await given.messages.insert(...args);
          throw new StorageError('commit_unknown', 'The connection broke.');
        },
      };
      const get = (target: TenantStorage, key: string | symbol): unknown =>
        key === 'messages' ? messages : Reflect.get(target, key);
      return work(new Proxy(given, { get }));
    });
  return { ...app, storage: { ...app.storage, run } };
}

function passedOn({ instruction }: RelayedMessage) {
  return instruction.decision === 'relay' ? [instruction.body, instruction.mediaUrls ?? []] : null;
}

describe('relayMessage', () => {
  it('leaves attachments behind with a notice, unless the pool allows them', async () => {
    const strict = await createChat();
    expect(passedOn(await strict.write('Look', { mediaUrls: [PICTURE] }))).toEqual([
      'Look\n[An attachment was not passed on.]',
      [],
    ]);
    const open = await createChat({ attachments: true });
    expect(passedOn(await open.write('Look', { mediaUrls: [PICTURE] }))).toEqual(['Look', [PICTURE]]);
    expect(passedOn(await open.write('Look', { attachments: 1 }))).toEqual([
      'Look\n[An attachment was not passed on.]',
      [],
    ]);
  });

  it('masks numbers where the pool says so, and answers the same when it is asked again', async () => {
    const body = 'call me on +1 (202) 555-0123';
    const plain = await createChat();
    expect(passedOn(await plain.write(body))?.[0]).toBe(body);
    const masking = await createChat({ maskNumbersInMessages: true });
    const first = await masking.write(body, { id: 'twice' });
    expect(passedOn(first)?.[0]).toBe('call me on +*******');
    expect(await masking.write(body, { id: 'twice' })).toEqual(first);
  });

  it('passes STOP to nobody and answers nobody, while ordinary words go through', async () => {
    const { write, app } = await createChat();
    const stop = await write('STOP', { id: 'stop' });
    expect(stop).toMatchObject({ reason: 'blocked', instruction: { decision: 'drop' } });
    expect(await write('STOP', { id: 'stop' })).toMatchObject({
      reason: 'blocked',
      instruction: { decision: 'drop' },
    });
    expect((await write('stop at the gate')).reason).toBe('ok');
    const stranger = await write('STOP', { from: 9 });
    expect(stranger).toMatchObject({ reason: 'unknown_caller', instruction: { decision: 'drop' } });
    const told = await app.storage.system.outboxOldest(100);
    expect(told.filter(({ event }) => event.type === 'message.refused')).toHaveLength(2);
  });

  it.each([true, false])(
    'passes on to nobody who asks again what was dropped because its record was in doubt (committed: %s)',
    async (commits) => {
      const { write, app } = await createChat();
      const list = () =>
        app.storage.run(TENANT, (s) => s.messages.list({ sessionId: null }, { limit: 5, after: null }));
      expect((await write('hello', { id: 'one', app: breaking(app, commits) })).reason).toBe('too_late');
      await expect.poll(list).toMatchObject([{ decision: 'drop', reason: 'too_late' }]);
      expect(passedOn(await write('hello', { id: 'one' }))).toBeNull();
      expect(passedOn(await write('hello', { id: 'two' }))).not.toBeNull();
    },
  );

  it('keeps none of the words', async () => {
    const { write, app } = await createChat({ maskNumbersInMessages: true });
    await write('the secret word is marzipan', { mediaUrls: [PICTURE] });
    const listed = await app.storage.run(TENANT, (s) =>
      s.messages.list({ sessionId: null }, { limit: 5, after: null }),
    );
    expect(listed).toHaveLength(1);
    expect(JSON.stringify([listed, await app.storage.system.outboxOldest(100)])).not.toMatch(
      /marzipan|media\.example/,
    );
  });
});
