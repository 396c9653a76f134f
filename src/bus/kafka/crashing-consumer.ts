// A process for tests: joins the group, prints the keys of its first batch, never finishes it, and waits for SIGKILL.
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { createKafkaBus } from './kafka-bus.ts';

const [brokers = '', topic = '', group = ''] = process.argv.slice(2);
const bus = createKafkaBus({
  brokers: brokers.split(','),
  clientId: 'crashing-consumer',
  clock: systemClock,
  random: systemRandom,
  log: { info() {}, warn: (fields) => console.error(fields) },
});
await bus.subscribe({
  topic,
  group,
  handle(batch) {
    console.log(JSON.stringify(batch.map(({ key }) => key)));
    return new Promise(() => undefined);
  },
});
