import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS } from '../domain/route.ts';
import { ACCOUNT } from '../http/testing/real-app.ts';
import {
  CUSTOMER,
  createSpringfield,
  DRIVER,
  type SessionAnswer,
  type Springfield,
} from '../http/testing/springfield.ts';
import { PUBLIC_URL } from '../http/testing/test-server.ts';
import { invariant } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import type { InstructionReader, StatusFields, UnsignedWebhook, WebhookBench } from './conformance-bench.ts';
import type { OperatorGateway } from './conformance-gateway.ts';
import type { Provider, WebhookRequest } from './provider.ts';

/** An adapter, and the provider's side of it, for a service whose webhooks are at `base`. */
export interface StoryActor {
  readonly provider: Provider;
  readonly webhooks: WebhookBench;
  readonly reader: InstructionReader;
  /** the provider's API, where texts are relayed by command */
  readonly gateway?: OperatorGateway;
}

const STRANGER = '+12025550199';

/**
 * A day at the service with one provider, from its webhooks to the call records: through the real HTTP server, the
 * real use cases and a real database. For providers that are answered in the response.
 */
export function exerciseStory(name: string, createActor: (base: string, clock: Clock) => StoryActor): void {
  describe(`${name}: the story`, () => {
    let s: Springfield;
    let actor: StoryActor;
    let session: SessionAnswer;
    let calls = 0;

    beforeAll(async () => {
      s = await createSpringfield();
      const base = `${PUBLIC_URL}/webhooks/${name}/${ACCOUNT.id}/${ACCOUNT.pathSecret}`;
      actor = createActor(base, s.clock);
      const account = s.accounts.get(ACCOUNT.id);
      invariant(account, 'the town has no provider account');
      s.accounts.set(ACCOUNT.id, { ...account, provider: actor.provider, webhookBase: base });
      session = await s.open();
    });
    afterAll(() => s.close());

    const deliver = (request: WebhookRequest): Promise<LightMyRequestResponse> =>
      s.http.inject({
        method: request.method as 'GET' | 'POST',
        url: request.url.slice(PUBLIC_URL.length),
        headers: Object.fromEntries(
          Object.entries(request.headers).filter(
            (header): header is [string, string] => header[1] !== undefined,
          ),
        ),
        ...(request.method === 'POST' && { payload: Buffer.from(request.rawBody) }),
      });
    const send = (webhook: UnsignedWebhook): Promise<LightMyRequestResponse> =>
      deliver(actor.webhooks.sign(webhook));
    const readingOf = (answer: LightMyRequestResponse) =>
      actor.reader.call({
        status: answer.statusCode,
        contentType: String(answer.headers['content-type']),
        body: answer.body,
      });
    const dial = (from: string | null, to: string, callId = `call-${++calls}`) =>
      send(actor.webhooks.answer({ callId, from, to }));
    const callOf = async (callId: string) => {
      const listed = (await s.ask(s.key, 'GET', '/v1/calls?limit=200')).json().data;
      return listed.find((call: { providerCallId: string }) => call.providerCallId === callId);
    };
    const shown = () => {
      const [customer, driver] = session.participants;
      return { customer: customer.virtualNumber, driver: driver.virtualNumber };
    };

    it('connects each side to the other, and shows nothing but our numbers', async () => {
      expect(readingOf(await dial(CUSTOMER, shown().driver))).toMatchObject({
        kind: 'bridge',
        destination: DRIVER,
        callerId: shown().customer,
      });
      expect(readingOf(await dial(DRIVER, shown().customer))).toMatchObject({
        kind: 'bridge',
        destination: CUSTOMER,
        callerId: shown().driver,
      });
    });

    it('answers the same question in the same bytes, and decides it once', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => dial(CUSTOMER, shown().driver, 'call-repeated')));
      expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
      const listed = (await s.ask(s.key, 'GET', '/v1/calls?limit=200')).json().data;
      const rows = listed.filter(
        (call: { providerCallId: string }) => call.providerCallId === 'call-repeated',
      );
      expect(rows).toHaveLength(1);
    });

    it('tells strangers nothing, whatever they dial, in the same bytes', async () => {
      const { customer, driver } = shown();
      const strangers = await Promise.all([
        dial(STRANGER, driver),
        dial(STRANGER, customer),
        dial(null, driver),
        dial(CUSTOMER, customer),
        dial(CUSTOMER, '+12155550150'),
        dial(STRANGER, '+14045550199'),
        dial(driver, customer),
      ]);
      const [first, ...others] = strangers;
      invariant(first, 'no stranger called');
      expect(readingOf(first)).toEqual({ kind: 'announce', text: ANNOUNCEMENTS.neutral });
      for (const other of others) expect(other.body).toBe(first.body);
    });

    it('believes no other secret, and no other path', async () => {
      const call = actor.webhooks.answer({ callId: 'call-forged', from: CUSTOMER, to: shown().driver });
      const forged = actor.webhooks.sign(call, { secret: 'the secret of another account, as long' });
      expect((await deliver(forged)).statusCode).toBe(403);
      const elsewhere = { ...call, url: call.url.replace(ACCOUNT.pathSecret, 'q'.repeat(22)) };
      expect((await send(elsewhere)).statusCode).toBe(403);
      const { headers: _, ...bare } = actor.webhooks.sign(call);
      const unsigned = { ...bare, headers: call.headers };
      // A vendor that forgets to sign now and then is asked to send it again.
      const asksAgain = actor.provider.isUnsigned !== undefined;
      expect((await deliver(unsigned)).statusCode).toBe(asksAgain ? 503 : 403);
      expect(await callOf('call-forged')).toBeUndefined();
    });

    it('keeps one record of a call, whatever is reported twice, late or in disorder', async () => {
      const callId = 'call-reported';
      await dial(CUSTOMER, shown().driver, callId);
      const at = s.clock.now();
      const ended: StatusFields = {
        ...{ callId, event: 'ended', at: at + 70_000 },
        ...{ termination: 'completed', durationSeconds: 61 },
      };
      const progress = actor.webhooks.progress ?? ['ringing', 'answered'];
      const reports: StatusFields[] = [
        ended,
        ended,
        ...progress.map((event) => ({ callId, event, at: at + 9_000 })),
        ...progress.map((event) => ({ callId, event, at: at + 9_000 })),
        ended,
      ];
      for (const report of reports) {
        const answer = await send(actor.webhooks.status(report));
        expect(Math.floor(answer.statusCode / 100)).toBe(2);
      }
      expect(await callOf(callId)).toMatchObject({
        ...{ state: 'ended', termination: 'completed', durationSeconds: 61 },
        ...{ callingRole: 'customer', calledRole: 'driver', endedAt: new Date(at + 70_000).toISOString() },
      });
    });

    it('knows how a call ended', async () => {
      for (const termination of actor.webhooks.terminations) {
        const callId = `call-${termination}`;
        await dial(DRIVER, shown().customer, callId);
        const report = {
          callId,
          event: 'ended',
          at: s.clock.now() + 5_000,
          termination,
          // A call that was never talked on did not complete, whatever the word.
          durationSeconds: termination === 'completed' || termination === 'time_limit' ? 61 : 0,
        } as const;
        await send(actor.webhooks.status(report));
        expect(await callOf(callId), termination).toMatchObject({ state: 'ended', termination });
      }
    });

    it('passes texts on both ways, and a stranger’s to nobody', async ({ skip }) => {
      skip(actor.provider.capabilities.messageRelay !== 'in_response', 'The answer relays nothing.');
      const write = async (from: string, to: string, body: string) => {
        const answer = await send(actor.webhooks.message({ messageId: `text-${++calls}`, from, to, body }));
        const contentType = String(answer.headers['content-type']);
        return actor.reader.message({ status: answer.statusCode, contentType, body: answer.body });
      };
      const { customer, driver } = shown();
      expect(await write(CUSTOMER, driver, 'Gate 4 & left')).toEqual({
        ...{ kind: 'relay', destination: DRIVER, sender: customer, body: 'Gate 4 & left' },
      });
      expect(await write(DRIVER, customer, '<3')).toEqual({
        ...{ kind: 'relay', destination: CUSTOMER, sender: driver, body: '<3' },
      });
      expect(await write(STRANGER, driver, 'Who is this?')).toEqual({ kind: 'drop' });
    });

    it('commands a text once, however often it is delivered, and none of a stranger', async ({ skip }) => {
      const { gateway } = actor;
      if (gateway === undefined || actor.provider.capabilities.messageRelay !== 'by_command') {
        return skip('The answer relays, or nothing does.');
      }
      const { customer, driver } = shown();
      const text = { messageId: 'text-by-command', from: CUSTOMER, to: driver, body: 'Gate 4 & left' };
      for (const from of [CUSTOMER, CUSTOMER]) {
        const answer = await send(actor.webhooks.message({ ...text, from }));
        expect(Math.floor(answer.statusCode / 100)).toBe(2);
      }
      await send(actor.webhooks.message({ ...text, messageId: 'text-of-a-stranger', from: STRANGER }));
      // What else is in the command is the business of the adapter's own tests.
      const [sent, ...more] = gateway.requests.map(({ body }) => decodeURIComponent(body));
      expect(more).toEqual([]);
      for (const number of [DRIVER, customer]) expect(sent).toContain(number.slice(1));
      expect(sent).not.toContain(CUSTOMER.slice(1));
    });

    it('leaves an attachment behind where the pool allows none, and says so to the receiver', async ({
      skip,
    }) => {
      const { gateway, webhooks, provider } = actor;
      if (!webhooks.carriesAttachments) return skip('Its webhook tells of no attachment.');
      const picture = 'https://media.example/picture-of-a-face.jpg';
      const text = {
        messageId: 'text-with-picture',
        from: CUSTOMER,
        to: shown().driver,
        body: 'My door',
        picture,
      };
      const before = gateway?.requests.length ?? 0;
      const answer = await send(webhooks.message(text));
      const commanded = provider.capabilities.messageRelay === 'by_command';
      const relayed = commanded
        ? (gateway?.requests ?? [])
            .slice(before)
            .map(({ body }) => body)
            .join('')
        : answer.body;
      const said = decodeURIComponent(relayed.replaceAll('+', ' '));
      expect(said).toContain('My door');
      expect(said).toContain('[An attachment was not passed on.]');
      expect(said).not.toContain('picture-of-a-face');
    });

    it('connects nobody once the order has ended', async () => {
      const { driver } = shown();
      await s.ask(s.key, 'POST', `/v1/sessions/${session.id}/close`, {});
      // Past the grace that a pool may give.
      s.clock.advance(3_600_000);
      const text = actor.reader.onlyAnnouncement ?? ANNOUNCEMENTS.session_ended;
      expect(readingOf(await dial(CUSTOMER, driver))).toEqual({ kind: 'announce', text });
      // A captured question is worth nothing any more.
      expect(readingOf(await dial(CUSTOMER, driver, 'call-repeated'))).toMatchObject({ kind: 'announce' });
    });
  });
}
