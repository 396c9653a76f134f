import { NO_FAULTS } from '../../simulator/exchange/faults.ts';
import type { Action } from './action.ts';

/** What befalls the machines, other than single faults: each begins or ends with a step. */
export const TROUBLE: readonly Action[] = [
  {
    name: 'restart',
    weight: 3,
    run({ world }) {
      const dead = world.replicas.findIndex(({ life }) => !life.alive);
      if (dead >= 0) world.restart(dead);
    },
  },
  {
    name: 'kill',
    weight: 0.5,
    run({ world }) {
      world.anyReplica()?.life.die();
    },
  },
  {
    name: 'pause',
    weight: 0.6,
    run({ world }) {
      const replica = world.anyReplica();
      if (!replica) return;
      const seconds = world.pick([1, 15, 60]) ?? 1;
      replica.life.pause();
      world.reached.count('a replica was paused');
      world.trace.say(`${replica.life.name}  stops for ${seconds} s`);
      world.clock.after(seconds * 1_000, () => {
        world.trace.say(`${replica.life.name}  goes on`);
        replica.life.resume();
      });
      world.clock.after(10_000, () => {
        if (replica.life.paused && world.orderTopic.leave(replica, world.replicas))
          world.reached.count('the group was given to others meanwhile');
      });
    },
  },
  {
    name: 'rebalance',
    weight: 0.8,
    run({ world }) {
      world.trace.say('the group is rebalanced');
      world.orderTopic.rebalance(world.replicas);
    },
  },
  {
    name: 'lose offsets',
    weight: 0.2,
    run({ world }) {
      world.trace.say('the offsets of the group are lost');
      world.reached.count('offsets were lost');
      world.orderTopic.loseOffsets();
    },
  },
  {
    name: 'database',
    weight: 0.6,
    run({ world }) {
      const { weather } = world;
      const full = world.chance(0.5);
      world.trace.say(full ? 'the disk of the database is full' : 'the database is down');
      world.reached.count(full ? 'the disk was full' : 'the database was down');
      if (full) weather.databaseFull = true;
      else weather.databaseDown = true;
      world.clock.after(1_000 * (1 + world.int(30)), () => {
        weather.databaseFull = false;
        weather.databaseDown = false;
      });
    },
  },
  {
    name: 'brokers',
    weight: 0.4,
    run({ world }) {
      world.weather.busDown = true;
      world.trace.say('the brokers are down');
      world.reached.count('the brokers were down');
      world.clock.after(1_000 * (1 + world.int(60)), () => {
        world.weather.busDown = false;
      });
    },
  },
  {
    name: 'operator',
    weight: 1,
    run({ world }) {
      const operator = world.pick(world.operators);
      if (!operator) return;
      const on = <T>(value: T, off: T): T => (world.chance(0.4) ? value : off);
      operator.exchange.faults.replace({
        ...NO_FAULTS,
        callbackDelayMs: on(2_000, 0),
        duplicateCallbacks: on(2, 0),
        loseCallbacks: on(0.5, 0),
        reorderCallbacks: on(true, false),
        sellErrors: on(0.5, 0),
        loseSellAnswers: on(0.5, 0),
        listErrors: on(0.5, 0),
      });
      world.trace.say(`operator ${operator.account} misbehaves in another way`);
      world.reached.count('an operator misbehaves');
    },
  },
  {
    name: 'vanish',
    weight: 0.3,
    run({ world }) {
      const operator = world.operators[0];
      const number = operator && world.pick(operator.heldNumbers());
      if (!operator || number === undefined) return;
      operator.exchange.numbers.takeBack(number);
      // Whoever has it now keeps it: it is not for sale again.
      operator.exchange.numbers.noticePhone(number);
      world.judge.gone.add(number);
      world.trace.say(`${number} vanishes at the operator`);
      world.reached.count('a number vanished');
    },
  },
  {
    name: 'skew',
    weight: 0.5,
    run({ world }) {
      const replica = world.anyReplica();
      if (replica && world.shape.skewMs > 0) world.skew(replica.life);
    },
  },
];
