import path from 'node:path';
import { until } from '../../test/system/product.ts';
import { Bench } from '../test/parts/bench.ts';
import { ALICE, DAVE, type Party } from '../test/parts/party.ts';
import { Softphone } from '../test/parts/softphone.ts';

// `npm run sip`: the edge, Maskline and two software phones on this machine. It places a call each way and says
// what each phone shows, then waits for commands.

const say = (text: string): void => void process.stdout.write(`${text}\n`);

say('Starting Maskline, the edge (Kamailio and rtpengine) and two phones (baresip) …');
const starting = Bench.start({}, { phones: [ALICE, DAVE] });
const phonesStarting: Promise<Softphone>[] = [];
let stopped: Promise<void> | null = null;
// A signal may come at any time, and twice: from the terminal, and from npm. What is being started is waited for, because
// nobody could end it otherwise.
async function stop(code: number): Promise<never> {
  stopped ??= stopAll();
  await stopped;
  process.exit(code);
}
async function stopAll(): Promise<void> {
  const bench = await starting.catch(() => null);
  for (const phone of await Promise.allSettled(phonesStarting)) {
    if (phone.status === 'fulfilled') await phone.value.stop();
  }
  await bench?.stop();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0));

try {
  const bench = await starting;
  const { sessionId, aaa, ddd } = await bench.session();
  const start = (party: Party, toneHz: number, ports: `${number}-${number}`) =>
    Softphone.start({
      directory: path.join(bench.directory, party.word),
      party,
      toneHz,
      ports,
      password: bench.passwordOf(party),
    });
  if (stopped) await stop(0);
  phonesStarting.push(start(ALICE, 440, '16000-16999'), start(DAVE, 1_000, '17000-17999'));
  const phones = await Promise.all(phonesStarting);
  const [customer, driver] = phones as [Softphone, Softphone];
  say(`
  The customer   ${ALICE.name}   ${ALICE.number} at ${ALICE.address}   her app shows the driver as   ${ddd}
  The driver     ${DAVE.name}    ${DAVE.number} at ${DAVE.address}   his app shows the customer as ${aaa}
`);
  const call = async (from: Softphone, number: string, to: Softphone): Promise<void> => {
    from.events.length = 0;
    to.events.length = 0;
    from.dial(number);
    say(`  ${from.party.name} dials ${number} …`);
    const rung = await to.happened('CALL_ESTABLISHED');
    await from.happened('CALL_ESTABLISHED');
    say(`    the phone of ${to.party.name} shows     ${rung.peeruri ?? 'nothing'}`);
    // Long enough to hear the tone of the other side in the recordings.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    from.hangUp();
    await to.happened('CALL_CLOSED');
    const calls = await bench.calls(sessionId);
    await until('the record of the call', async () =>
      (await bench.calls(sessionId)).every((each) => each.state === 'ended'),
    );
    const record = (await bench.calls(sessionId)).find(
      (each) => !calls.some((old) => old.id === each.id && old.state === 'ended'),
    );
    say(
      `    Maskline recorded                   ${JSON.stringify(record ?? calls[0], ['reason', 'callingRole', 'calledRole', 'virtualNumber', 'callerId', 'termination', 'durationSeconds'])}`,
    );
  };
  await call(customer, ddd, driver);
  await call(driver, aaa, customer);
  for (const phone of phones) {
    const { hertz, seconds } = await phone.heardTone();
    say(`  ${phone.party.name} heard a tone of ${hertz} Hz for ${seconds.toFixed(1)} s.`);
  }
  if (!process.stdin.isTTY) await stop(0);
  say(`
  1 + Enter: the customer calls    2 + Enter: the driver calls    Ctrl-C: stop
  Recordings, logs and configuration are in ${bench.directory} until then.
`);
  process.stdin.setEncoding('utf8');
  for await (const line of process.stdin) {
    if (line.startsWith('1')) await call(customer, ddd, driver);
    if (line.startsWith('2')) await call(driver, aaa, customer);
  }
  await stop(0);
} catch (error) {
  // What is being stopped fails.
  if (stopped) await stop(0);
  process.stderr.write(`sip demo: ${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}
