import { createPool } from '../../src/app/create-pool.ts';
import { importVirtualNumber } from '../../src/app/import-virtual-number.ts';
import type { VirtualNumber } from '../../src/domain/virtual-number.ts';
import type { Operator } from './operator.ts';
import { phoneNumber, SECOND } from './people.ts';
import { POOL, type Replica, TENANT } from './replica.ts';
import type { World } from './world.ts';

/** A tenant, two accounts, a pool, and the first look at the stock; without any fault, which begin after it. */
export async function openWorld(world: World): Promise<void> {
  const { clock, shape } = world;
  const first = world.createReplicas();
  const { app } = first;
  await app.storage.system.tenantInsert(TENANT, 'A company', clock.now());
  const keys = await app.vault.keysOf(TENANT);
  for (const operator of world.operators) {
    const row = {
      tenant: TENANT,
      id: operator.accountId,
      name: operator.account,
      provider: 'simulator',
      settings: {},
      sealedCredentials: keys.sealText('{}', { table: 'provider_account', row: operator.accountId }),
    };
    await app.storage.run(TENANT, (s) => s.providerAccounts.insert(row, clock.now()));
    const { monthlyPurchases } = shape;
    if (monthlyPurchases === null) continue;
    const budget = { monthlyPurchaseMax: monthlyPurchases, monthlyChurnMax: null };
    await app.storage.run(TENANT, (s) => s.providerAccounts.setBudget(operator.account, budget));
  }
  await createPool(app, { tenant: TENANT, pool: shape.pool });
  if (shape.secondAccount) await importSome(world, first);
  for (let person = 0; person < shape.people; person++) {
    for (const phone of [person, person + SECOND]) {
      world.phoneByKey.set(Buffer.from(keys.callerKey(phoneNumber(phone))).toString('hex'), phone);
    }
  }
  await world.scheduler.settle();
  world.runJob(first, 'stock-keeper');
  await world.scheduler.drain();
  world.orderTopic.rebalance(world.replicas);
  world.weather.rates = shape.rates;
  world.scheduler.gating = shape.gating;
  if (shape.skewMs > 0) for (const { life } of world.replicas) world.skew(life);
}

/** Numbers that the company has already had at the second operator. */
async function importSome(world: World, { app }: Replica): Promise<void> {
  const second = world.operators[1] as Operator;
  for (const { virtualNumber } of second.exchange.numbers.search(second.country, 1 + world.int(4))) {
    second.exchange.numbers.sell(virtualNumber, {});
    await importVirtualNumber(app, {
      tenant: TENANT,
      virtualNumber: virtualNumber as VirtualNumber,
      pool: POOL,
      providerAccount: second.account,
      capabilities: ['voice', 'sms'],
    });
  }
}
