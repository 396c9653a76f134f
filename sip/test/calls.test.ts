import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bench } from './parts/bench.ts';
import { ALICE, DAVE } from './parts/party.ts';
import { CalleeSteps, CallerSteps, receive } from './parts/scenario.ts';

const trying = receive(100, { optional: true, learn: false });
let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.hangUp());
afterAll(() => bench.stop());

describe('a masked call', () => {
  it('rings the driver and ends', async () => {
    const { ddd, aaa, sessionId } = await bench.session();
    const a = new CallerSteps({ from: ALICE, to: ddd });
    const d = new CalleeSteps(DAVE);
    await bench.play(
      [a.invite(), trying, receive(180, { optional: true }), receive(183, { optional: true }), receive(200), a.ack(), a.request('INVITE', 'sdp'), trying, receive(200), a.ack(), a.request('INFO', 'dtmf'), receive(200), a.request('UPDATE', 'sdp'), receive(200), a.request('BYE'), receive(200)],
      [d.invite(), d.answer(180), d.answer(183, { sdp: true }), d.answer(200, { sdp: true }), receive('ACK'), receive('INVITE'), d.answerInCall(200, { sdp: true }), receive('ACK'), receive('INFO'), d.answerInCall(200), receive('UPDATE'), d.answerInCall(200, { sdp: true }), receive('BYE'), d.answerInCall(200)],
    );
    expect(await bench.ended(sessionId)).toMatchObject({ virtualNumber: ddd, callerId: aaa, termination: 'completed' });
  });
});
