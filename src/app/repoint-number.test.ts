import { expect, it } from 'vitest';
import { VirtualNumberState } from '../domain/virtual-number.ts';
import { ProviderError } from '../providers/provider.ts';
import { webhookUrls } from './adopt-number.ts';
import { decommissionNumber } from './decommission-number.ts';
import { importHeldNumber } from './import-held-number.ts';
import { importVirtualNumber } from './import-virtual-number.ts';
import { repointNumber } from './repoint-number.ts';
import { FakeOperator, accountAt } from './testing/fake-operator.ts';
import { createWorld, TENANT, virtualNumber } from './testing/world.ts';

const ELSEWHERE = { answer: 'https://old.example/a', status: 'x', message: 'x' };
const one = virtualNumber(600);
const held = { virtualNumber: one, capabilities: ['voice', 'sms'], providerNumberId: 'PN1' } as const;

async function createTown() {
  const operator = new FakeOperator(0, 300);
  const world = await createWorld({ numbers: 0, account: accountAt(operator, 'first') });
  const account = await world.app.providerAccounts.byName(TENANT, 'first');
  if (!account) throw new Error('The test has no account.');
  const row = async () => {
    const found = await world.app.storage.run(TENANT, (s) => s.virtualNumbers.get(one));
    if (!found) throw new Error('The number is not ours.');
    return found;
  };
  operator.held.set(one, ELSEWHERE);
  return { ...world, operator, account, row };
}

it('points a number at us again, and what it did before our time is put back in the end all the same', async () => {
  const { app, operator, account, row } = await createTown();
  await importHeldNumber(app, account, { held, pool: 'city' });
  operator.held.set(one, { ...ELSEWHERE, answer: 'https://somebody.example/' });
  expect(await repointNumber(app, account, await row(), held)).toBe(true);
  expect(operator.held.get(one)).toEqual(webhookUrls(account));
  await decommissionNumber(app, { tenant: TENANT, virtualNumber: one });
  expect(operator.held.get(one)).toEqual(ELSEWHERE);
});

it('remembers it of a number that the API imported, which points nothing', async () => {
  const { app, operator, account, row } = await createTown();
  const capabilities = ['voice'] as const;
  await importVirtualNumber(app, {
    tenant: TENANT,
    virtualNumber: one,
    pool: 'city',
    providerAccount: 'first',
    capabilities,
  });
  expect(operator.held.get(one)).toEqual(ELSEWHERE);
  await repointNumber(app, account, await row(), held);
  expect(operator.held.get(one)).toEqual(webhookUrls(account));
  await decommissionNumber(app, { tenant: TENANT, virtualNumber: one });
  expect(operator.held.get(one)).toEqual(ELSEWHERE);
});

it('leaves a number whose import broke off to the next import', async () => {
  const { app, operator, account, row } = await createTown();
  operator.faults.push(null, new ProviderError('unavailable', 'Down.'));
  await expect(importHeldNumber(app, account, { held, pool: 'city' })).rejects.toThrow('Down.');
  expect(await repointNumber(app, account, await row(), held)).toBe(false);
  expect(operator.held.get(one)).toEqual(ELSEWHERE);
  await importHeldNumber(app, account, { held, pool: 'city' });
  expect((await row()).state).toBe(VirtualNumberState.InService);
});

it('waits once as long as the provider asks, and not for ever', async () => {
  const { app, operator, account, row, clock } = await createTown();
  await importHeldNumber(app, account, { held, pool: 'city' });
  operator.held.set(one, ELSEWHERE);
  const busy = (retryAfterSeconds: number) =>
    new ProviderError('rate_limited', 'Later.', { retryAfterSeconds });
  operator.faults.push(busy(17));
  const known = await row();
  let done = false;
  const pointing = repointNumber(app, account, known, held).finally(() => {
    done = true;
  });
  for (let second = 0; second < 17; second++) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    clock.advance(1_000);
  }
  expect(await pointing).toBe(true);
  expect(operator.held.get(one)).toEqual(webhookUrls(account));
  operator.faults.push(busy(3_600));
  await expect(repointNumber(app, account, known, held)).rejects.toMatchObject({ code: 'rate_limited' });
});
