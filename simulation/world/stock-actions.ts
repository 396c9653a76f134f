import { changeVirtualNumber } from '../../src/app/change-virtual-number.ts';
import { type VirtualNumber, VirtualNumberState } from '../../src/domain/virtual-number.ts';
import type { Action } from './action.ts';
import { interleaved } from './interleaved.ts';
import { type Replica, TENANT } from './replica.ts';
import type { World } from './world.ts';

/** Histories of the stock that chance alone would seldom make: each goes for one narrow place. */

/** Longer than a lease that nobody renews. */
const LEASE_OVER_MS = 11_000;
/** Fault points of a look at the stock that finds it low, and waits at every second of them. */
const BUYING_POINTS = 30;

function giveBack(replica: Replica, virtualNumber: string): Promise<unknown> {
  const params = { tenant: TENANT, virtualNumber: virtualNumber as VirtualNumber };
  return changeVirtualNumber(replica.app, { ...params, state: VirtualNumberState.Decommissioned });
}

/** The company gives up whatever nobody needs, so that whoever looks next finds the stock low. */
async function giveUpStock(world: World, replica: Replica): Promise<void> {
  const numbers = world.operators.flatMap((operator) => operator.heldNumbers());
  world.trace.say('the company gives up all numbers that are to spare');
  const givingUp = async (): Promise<void> => {
    // What is needed is refused.
    for (const virtualNumber of numbers) await giveBack(replica, virtualNumber).catch(() => {});
  };
  world.start('give up the stock', replica.life.orDeath(givingUp()));
  await world.scheduler.drain();
}

function running(world: World): readonly Replica[] {
  return world.replicas.filter(({ life }) => life.alive && !life.paused);
}

/** Somebody wants to give up a number that serves a session, or rests after one. */
const giveUpInUse: Action = {
  name: 'give up what is used',
  weight: 1.5,
  run(play) {
    const { world } = play;
    const session = play.anySession();
    const replica = world.anyReplica();
    const virtualNumber = session && world.pick(session.latest.members)?.virtualNumber;
    if (!replica || !virtualNumber) return;
    world.trace.say(`${virtualNumber} of ${session.reference} is to be given up`);
    world.reached.count('a number in use was to be given up');
    const asking = replica.life.orDeath(giveBack(replica, virtualNumber));
    world.start(
      'give up what is used',
      asking.then(() => undefined),
    );
  },
};

/** All replicas find at once that the stock is low. */
const buyTogether: Action = {
  name: 'buy together',
  weight: 1,
  async run({ world }) {
    const replica = world.anyReplica();
    if (!replica) return;
    if (world.chance(0.5)) await giveUpStock(world, replica);
    await interleaved(world, async () => {
      for (const one of running(world)) world.runJob(one, 'stock-keeper');
      await world.scheduler.drain();
    });
  },
};

/** A replica stops while it buys; when it goes on, another has seen to the stock meanwhile. */
const buyAndStop: Action = {
  name: 'buy and stop',
  weight: 0.7,
  async run({ world }) {
    const [one, other] = running(world);
    if (!one || !other) return;
    await giveUpStock(world, other);
    await world.advance(LEASE_OVER_MS, true);
    if (!one.life.alive || one.life.paused) return;
    await interleaved(world, async () => {
      world.runJob(one, 'stock-keeper');
      await world.scheduler.settle();
      for (let gates = world.int(BUYING_POINTS); gates > 0; gates--) await world.scheduler.openOne();
    });
    if (!one.life.alive || world.scheduler.waiting === 0) return;
    world.trace.say(`${one.life.name}  stops while it buys`);
    world.reached.count('a replica stopped while it bought');
    one.life.pause();
    await world.advance(LEASE_OVER_MS, true);
    if (other.life.alive && !other.life.paused) world.runJob(other, 'stock-keeper');
    await world.scheduler.drain();
    world.trace.say(`${one.life.name}  goes on`);
    one.life.resume();
    await world.advance(1_000, true);
  },
};

export const STOCK_ACTIONS: readonly Action[] = [giveUpInUse, buyTogether, buyAndStop];
