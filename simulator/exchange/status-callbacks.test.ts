import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import type { ReportOutcome, StatusReport } from './account-webhooks.ts';
import { type FaultSettings, Faults } from './faults.ts';
import { StatusCallbacks } from './status-callbacks.ts';

function createBench(settings: Partial<FaultSettings> = {}) {
  const clock = new ManualClock();
  const random = seededRandom(7);
  const faults = new Faults(random);
  faults.replace(settings);
  const sent: string[] = [];
  const lines: string[] = [];
  const bench = { outcome: (_attempt: number): ReportOutcome => 'delivered' };
  const callbacks = new StatusCallbacks({
    clock,
    random,
    faults,
    log: (line) => void lines.push(line),
    report: async (_url, report) => {
      sent.push(`${report.callId} ${report.event}`);
      return bench.outcome(sent.length);
    },
  });
  const report = (callId: string, event: StatusReport['event']): void =>
    callbacks.enqueue('http://maskline.test/status', { callId, event, at: '', sequence: 1 });
  return { clock, callbacks, sent, lines, bench, report };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

describe('StatusCallbacks', () => {
  it('sends the callbacks of a call in order, each after the one before it has arrived', async () => {
    const { report, sent, bench, clock, callbacks } = createBench();
    bench.outcome = (attempt) => (attempt < 3 ? 'unanswered' : 'delivered');
    report('a', 'ringing');
    report('a', 'answered');
    report('a', 'ended');
    await settle();
    expect(sent).toEqual(['a ringing']);
    clock.advance(1_000);
    await settle();
    clock.advance(2_000);
    await callbacks.idle();
    expect(sent).toEqual(['a ringing', 'a ringing', 'a ringing', 'a answered', 'a ended']);
  });

  it('does not let one call wait for another', async () => {
    const { report, sent, bench } = createBench();
    bench.outcome = (attempt) => (attempt === 1 ? 'unanswered' : 'delivered');
    report('a', 'ringing');
    report('b', 'ringing');
    report('b', 'ended');
    await settle();
    expect(sent).toEqual(['a ringing', 'b ringing', 'b ended']);
  });

  it('tries four times, and once when it is told that the request is wrong', async () => {
    const { report, sent, bench, clock, lines, callbacks } = createBench();
    bench.outcome = () => 'unanswered';
    report('a', 'ringing');
    for (let i = 0; i < 10; i++) {
      await settle();
      clock.advance(4_000);
    }
    await callbacks.idle();
    expect(sent).toHaveLength(4);
    bench.outcome = () => 'refused';
    report('b', 'ringing');
    await callbacks.idle();
    expect(sent).toHaveLength(5);
    expect(lines).toEqual([
      'a: ringing given up, unanswered after 4 attempts',
      'b: ringing given up, refused after 1 attempts',
    ]);
  });

  it('duplicates, loses and delays when it is told to', async () => {
    const twice = createBench({ duplicateCallbacks: 2 });
    twice.report('a', 'ringing');
    await twice.callbacks.idle();
    expect(twice.sent).toEqual(['a ringing', 'a ringing', 'a ringing']);

    const lost = createBench({ loseCallbacks: 1 });
    lost.report('a', 'ringing');
    await lost.callbacks.idle();
    expect(lost.sent).toEqual([]);

    const late = createBench({ callbackDelayMs: 700 });
    late.report('a', 'ringing');
    await settle();
    late.clock.advance(699);
    await settle();
    expect(late.sent).toEqual([]);
    late.clock.advance(1);
    await late.callbacks.idle();
    expect(late.sent).toEqual(['a ringing']);
  });

  it('lets the next one overtake when it is told to reorder, and waits for it at most five seconds', async () => {
    const { report, sent, clock, callbacks } = createBench({ reorderCallbacks: true });
    report('a', 'ringing');
    await settle();
    expect(sent).toEqual([]);
    report('a', 'answered');
    await settle();
    expect(sent).toEqual(['a answered', 'a ringing']);
    report('a', 'ended');
    await callbacks.idle();
    report('b', 'ringing');
    await settle();
    clock.advance(5_000);
    await callbacks.idle();
    expect(sent).toEqual(['a answered', 'a ringing', 'a ended', 'b ringing']);
  });

  it('drops what cannot be delivered in time when it stops', async () => {
    const { report, bench, clock, callbacks, sent } = createBench();
    bench.outcome = () => 'unanswered';
    report('a', 'ringing');
    report('a', 'ended');
    await settle();
    const stopped = callbacks.stop(500);
    clock.advance(500);
    await stopped;
    expect(sent).toEqual(['a ringing']);
  });

  it('keeps at most 20,000 waiting', async () => {
    const { report, lines, bench, clock, callbacks } = createBench();
    bench.outcome = () => 'unanswered';
    for (let call = 0; call <= 20_000; call++) report(`call-${call}`, 'ringing');
    expect(lines).toEqual(['call-20000: ringing dropped, 20000 callbacks wait']);
    const stopped = callbacks.stop(0);
    clock.advance(0);
    await stopped;
  });
});
