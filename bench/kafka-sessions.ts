// From `order.driver_assigned` on Kafka to `session.opened` on Kafka, through one `maskline serve`, printed beside
// (a) what the broker itself does with the same bytes and (b) what the database does with the same rows in batches
// of the same size: row B5 of the benchmarks, alone.  KAFKA_BROKERS=host:port node bench/kafka-sessions.ts [--smoke]
import { availableParallelism, loadavg } from 'node:os';
import { measureB5 } from './rows/b5-events.ts';

const rows = await measureB5({
  smoke: process.argv.includes('--smoke'),
  progress: (text) => void process.stderr.write(`${text}\n`),
});
const rounded = (value: number | null): string => (value === null ? '–' : value.toFixed(0));
console.log(`${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}`);
for (const { title, unit, value, limit, rival, ratio, spread, aim, met, details } of rows) {
  console.log(`\n${title}: ${rounded(value)} ${unit}`);
  if (spread) console.log(`  lowest and highest round  ${rounded(spread.low)} … ${rounded(spread.high)}`);
  if (limit !== null)
    console.log(`  limit  ${rounded(limit)}, reached ${rounded(100 * (ratio ?? 0))} % of it`);
  if (rival !== null) console.log(`  rival  ${rounded(rival)}`);
  for (const [name, detail] of Object.entries(details)) console.log(`  ${name}: ${detail}`);
  console.log(`  aim: ${aim}: ${met ? 'met' : 'not met'}`);
}
process.exit();
