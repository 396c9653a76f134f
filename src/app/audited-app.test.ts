import { describe, expect, it } from 'vitest';
import { verifyAudit } from './audit.ts';
import { auditedApp } from './audited-app.ts';
import { createWorld, type World } from './testing/world.ts';
import { updatePool } from './update-pool.ts';
import { createWebhook } from './webhooks.ts';

const act = (changed: unknown) => ({
  actor: 'key:test',
  action: 'pool.changed',
  subject: String((changed as { readonly name?: string; readonly id?: string }).name ?? 'webhook'),
  details: {},
});

function rows(world: World) {
  return world.app.storage.run(world.tenant, ({ audit }) => audit.list(0, 100));
}

describe('a change and its row in the audit', () => {
  it('are one transaction: both are there', async () => {
    const world = await createWorld();
    const { app, noted } = await auditedApp(world.app, world.tenant, act);
    const name = 'city';
    await updatePool(app, { tenant: world.tenant, name, changes: { ringTimeoutSeconds: 33 } });
    expect(noted()).toBe(true);
    expect(await rows(world)).toMatchObject([{ action: 'pool.changed', subject: name }]);
    expect((await verifyAudit(world.app, world.tenant)).broken).toBeNull();
  });

  it('are neither there when the row cannot be written', async () => {
    const world = await createWorld();
    const { app } = await auditedApp(world.app, world.tenant, () => {
      throw new Error('The row cannot be made.');
    });
    const name = 'city';
    const before = await world.app.storage.run(world.tenant, ({ pools }) => pools.get(name));
    const changing = updatePool(app, { tenant: world.tenant, name, changes: { ringTimeoutSeconds: 33 } });
    await expect(changing).rejects.toThrow('cannot be made');
    const pool = await world.app.storage.run(world.tenant, ({ pools }) => pools.get(name));
    expect(pool?.ringTimeoutSeconds).toBe(before?.ringTimeoutSeconds);
    expect(await rows(world)).toEqual([]);
  });

  it('leaves no row for what was not there', async () => {
    const world = await createWorld();
    const { app, noted } = await auditedApp(world.app, world.tenant, act);
    expect(await updatePool(app, { tenant: world.tenant, name: 'nowhere', changes: {} })).toBeNull();
    expect(noted()).toBe(false);
    expect(await rows(world)).toEqual([]);
  });

  it('come in a row also when twenty are the first at once', async () => {
    const world = await createWorld();
    const url = 'https://hooks.example/maskline';
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { app } = await auditedApp(world.app, world.tenant, act);
        await createWebhook(app, { tenant: world.tenant, url, eventTypes: ['session.opened'] });
      }),
    );
    expect(await rows(world)).toHaveLength(20);
    expect((await verifyAudit(world.app, world.tenant)).broken).toBeNull();
  });
});
