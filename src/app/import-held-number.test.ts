import { expect, it } from 'vitest';
import { type VirtualNumber, VirtualNumberState } from '../domain/virtual-number.ts';
import type { NumberHeld } from '../providers/provider.ts';
import { webhookUrls } from './adopt-number.ts';
import type { App, ProviderAccount } from './app.ts';
import { decommissionNumber } from './decommission-number.ts';
import { importHeldNumber } from './import-held-number.ts';
import { importVirtualNumber } from './import-virtual-number.ts';
import { repointNumber } from './repoint-number.ts';
import { FakeOperator, accountAt } from './testing/fake-operator.ts';
import { createWorld, TENANT, virtualNumber } from './testing/world.ts';

/** More than an import or a repointing asks of the database and the provider together. */
const STEPS_MAXIMUM = 30;

async function createTown() {
  const operator = new FakeOperator(0, 300);
  const { app } = await createWorld({ numbers: 0, account: accountAt(operator, 'first') });
  const account = await app.providerAccounts.byName(TENANT, 'first');
  if (!account) throw new Error('The test has no account.');
  const row = async (one: VirtualNumber) => {
    const found = await app.storage.run(TENANT, (s) => s.virtualNumbers.get(one));
    if (!found) throw new Error('The number is not ours.');
    return found;
  };
  return { app, operator, account, row };
}

/** A process that does so many things with the database and the provider, and nothing after them. */
function dyingAfter(steps: number, app: App, account: ProviderAccount): [App, ProviderAccount] {
  let done = 0;
  const mortal = <T extends object>(whole: T): T =>
    new Proxy(whole, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        return (...args: unknown[]) => {
          if (done++ >= steps) throw new Error('Killed.');
          return Reflect.apply(found, target, args);
        };
      },
    });
  return [
    { ...app, storage: mortal(app.storage) },
    { ...account, provider: mortal(account.provider) },
  ];
}

/** Does `work` in processes that die one step later each time; says of each number whether its process died. */
async function dieEverywhere(
  town: Awaited<ReturnType<typeof createTown>>,
  work: (app: App, account: ProviderAccount, held: NumberHeld) => Promise<unknown>,
  before?: (one: VirtualNumber) => Promise<unknown>,
): Promise<{ held: NumberHeld; elsewhere: object; died: boolean }[]> {
  const { app, account, operator } = town;
  const numbers = [];
  for (let steps = 0; steps < STEPS_MAXIMUM; steps++) {
    const one = virtualNumber(600 + steps);
    const elsewhere = { answer: `https://old.example/${steps}` };
    operator.held.set(one, elsewhere);
    await before?.(one);
    const held = { virtualNumber: one, capabilities: ['voice'], providerNumberId: `id-${one}` } as const;
    const ended = await work(...dyingAfter(steps, app, account), held).then(
      () => 'Done.',
      (error: Error) => error.message,
    );
    expect(['Done.', 'Killed.']).toContain(ended);
    numbers.push({ held, elsewhere, died: ended === 'Killed.' });
    if (ended === 'Done.') break;
  }
  expect(numbers.length).toBeGreaterThan(2);
  expect(numbers.at(-1)?.died).toBe(false);
  return numbers;
}

it('knows where a number pointed before, wherever its import broke off and was begun again', async () => {
  const town = await createTown();
  const { app, account, operator, row } = town;
  const importing = (a: App, b: ProviderAccount, held: NumberHeld) =>
    importHeldNumber(a, b, { held, pool: 'city' });
  for (const { held, elsewhere, died } of await dieEverywhere(town, importing)) {
    const one = held.virtualNumber;
    const known = await app.storage.run(TENANT, (s) => s.virtualNumbers.get(one));
    // The last thing that an import does is to read what it has committed.
    if (known?.state !== VirtualNumberState.InService) {
      expect(died).toBe(true);
      await importing(app, account, held);
    }
    expect(await row(one)).toMatchObject({ state: 'in_service', providerNumberId: held.providerNumberId });
    expect(operator.held.get(one)).toEqual(webhookUrls(account));
    await decommissionNumber(app, { tenant: TENANT, virtualNumber: one });
    expect(operator.held.get(one)).toEqual(elsewhere);
  }
});

it('puts back where a number pointed when it is given up after an import that broke off', async () => {
  const town = await createTown();
  const { app, account, operator, row } = town;
  const broken = await dieEverywhere(town, (a, b, held) => importHeldNumber(a, b, { held, pool: 'city' }));
  for (const { held, elsewhere } of broken) {
    const one = held.virtualNumber;
    const known = await app.storage.run(TENANT, (s) => s.virtualNumbers.get(one));
    if (known?.state === VirtualNumberState.Reserved) {
      expect(await repointNumber(app, account, known, held)).toBe(false);
    }
    await decommissionNumber(app, { tenant: TENANT, virtualNumber: one });
    expect(operator.held.get(one)).toEqual(elsewhere);
    if (known) expect((await row(one)).state).toBe('decommissioned');
  }
});

it('knows it as well of a number that the API imported and that is pointed at us later', async () => {
  const town = await createTown();
  const { app, account, operator, row } = town;
  const numbers = await dieEverywhere(
    town,
    async (a, b, held) => repointNumber(a, b, await row(held.virtualNumber), held),
    (one) =>
      importVirtualNumber(app, {
        tenant: TENANT,
        virtualNumber: one,
        pool: 'city',
        providerAccount: 'first',
        capabilities: ['voice'],
      }),
  );
  for (const { held, elsewhere } of numbers) {
    const one = held.virtualNumber;
    expect(await repointNumber(app, account, await row(one), held)).toBe(true);
    expect(operator.held.get(one)).toEqual(webhookUrls(account));
    await decommissionNumber(app, { tenant: TENANT, virtualNumber: one });
    expect(operator.held.get(one)).toEqual(elsewhere);
  }
});
