import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import Fastify from 'fastify';
import type { FakeCall, FakeMaskline } from './fake-maskline.ts';

interface NetworkCall {
  readonly callId: string;
  readonly from: string;
  readonly dialled: string;
  readonly callee: string | null;
  readonly callerId: string | null;
  readonly heard: string | null;
  readonly facts: FakeCall;
  state: string;
  readonly startedAt: string;
  answeredAt: string | null;
  endedAt: string | null;
}

interface CallEventExtras {
  readonly answeredAt?: string;
  readonly durationSeconds?: number;
  readonly termination?: string;
}

interface NetworkText {
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly callee: string | null;
  readonly callerId: string | null;
  readonly body: string;
  readonly state: string;
  readonly at: string;
}

/**
 * Phones for the tests and previews of the delivery company, with the HTTP interface of the simulator. It is not
 * the simulator: no signatures, no faults, no numbers on sale.
 */
export class FakePhoneNetwork {
  readonly #maskline: FakeMaskline;
  readonly #app = Fastify({ forceCloseConnections: true });
  readonly #calls: NetworkCall[] = [];
  readonly #texts: NetworkText[] = [];
  readonly #changes = new EventEmitter().setMaxListeners(100);
  /** answers 503 to everything while it is set */
  isAway = false;

  constructor(maskline: FakeMaskline) {
    this.#maskline = maskline;
  }

  async start(): Promise<string> {
    this.#app.addHook('onRequest', async (_request, reply) =>
      this.isAway ? reply.code(503).send({ code: 'OPERATOR_OUT_OF_ORDER' }) : undefined,
    );
    this.#addCallRoutes();
    this.#addMessageRoute();
    this.#addPhoneRoutes();
    return this.#app.listen({ host: '127.0.0.1', port: 0 });
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }

  #addCallRoutes(): void {
    this.#app.post('/calls', async (request, reply) => {
      const { from, to } = request.body as { from: string; to: string };
      const call = await this.#dial(from, to);
      const bLeg = call.callee === null ? null : { to: call.callee, callerId: call.callerId };
      return reply.code(201).send({ callId: call.callId, state: call.state, heard: call.heard, bLeg });
    });
    this.#app.post('/calls/:id/answer', async (request, reply) => {
      const call = this.#find(request.params);
      if (call?.state !== 'ringing') return reply.code(call ? 409 : 404).send({});
      call.state = 'answered';
      call.answeredAt = new Date().toISOString();
      await this.#report(call, 'call.answered', { answeredAt: call.answeredAt });
      return {};
    });
    this.#app.post('/calls/:id/hangup', async (request, reply) => {
      const call = this.#find(request.params);
      if (!call || call.endedAt !== null) return reply.code(call ? 409 : 404).send({});
      call.state = 'ended';
      call.endedAt = new Date().toISOString();
      const talk = call.answeredAt === null ? 0 : Date.parse(call.endedAt) - Date.parse(call.answeredAt);
      await this.#report(call, 'call.ended', {
        durationSeconds: Math.round(talk / 1000),
        termination: call.answeredAt === null ? 'cancelled' : 'completed',
      });
      return {};
    });
  }

  async #dial(from: string, dialled: string): Promise<NetworkCall> {
    const decision = this.#maskline.decide(from, dialled);
    const startedAt = new Date().toISOString();
    const isConnected = 'connect' in decision;
    const call: NetworkCall = {
      callId: `call_${randomUUID()}`,
      from,
      dialled,
      callee: isConnected ? decision.connect : null,
      callerId: isConnected ? decision.callerId : null,
      heard: isConnected ? null : decision.heard,
      facts: decision.call,
      state: isConnected ? 'ringing' : 'refused',
      startedAt,
      answeredAt: null,
      endedAt: isConnected ? null : startedAt,
    };
    this.#calls.unshift(call);
    await this.#report(call, isConnected ? 'call.started' : 'call.refused', {});
    return call;
  }

  #addMessageRoute(): void {
    this.#app.post('/messages', async (request, reply) => {
      const { from, to, body } = request.body as { from: string; to: string; body: string };
      const decision = this.#maskline.decide(from, to);
      const isConnected = 'connect' in decision;
      const text: NetworkText = {
        messageId: `msg_${randomUUID()}`,
        from,
        to,
        callee: isConnected ? decision.connect : null,
        callerId: isConnected ? decision.callerId : null,
        body,
        state: isConnected ? 'delivered' : 'refused',
        at: new Date().toISOString(),
      };
      this.#texts.unshift(text);
      const { reference, callingRole, calledRole, virtualNumber, reason } = decision.call;
      const roles = { sendingRole: callingRole, receivingRole: calledRole };
      const type = isConnected ? 'message.relayed' : 'message.refused';
      await this.#maskline.announce(type, reference ?? '', { reference, ...roles, virtualNumber, reason });
      this.#changed(from, text.callee);
      return reply.code(201).send({ messageId: text.messageId, state: text.state, delivered: null });
    });
  }

  #addPhoneRoutes(): void {
    this.#app.get('/phones/:e164', async (request) => {
      const { e164 } = request.params as { e164: string };
      return {
        phone: e164,
        calls: this.#calls.flatMap((call) => toCallSeen(call, e164)),
        messages: this.#texts.flatMap((text) => toTextSeen(text, e164)),
      };
    });
    this.#app.get('/phones/:e164/events', (request, reply) => {
      const { e164 } = request.params as { e164: string };
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (): void => void reply.raw.write('event: call\ndata: {}\n\n');
      send();
      this.#changes.on(e164, send);
      reply.raw.once('close', () => this.#changes.off(e164, send));
    });
  }

  #find(params: unknown): NetworkCall | undefined {
    const { id } = params as { id: string };
    return this.#calls.find(({ callId }) => callId === id);
  }

  async #report(call: NetworkCall, type: string, more: CallEventExtras): Promise<void> {
    this.#changed(call.from, call.callee);
    this.#maskline.record(call.callId, call.facts, call.callerId, call.state, more.durationSeconds ?? null);
    const { reference } = call.facts;
    await this.#maskline.announce(type, reference ?? '', { callId: call.callId, ...call.facts, ...more });
  }

  #changed(...phones: (string | null)[]): void {
    for (const phone of phones) if (phone !== null) this.#changes.emit(phone);
  }
}

function toCallSeen(call: NetworkCall, phone: string): object[] {
  const { callId, state, startedAt, answeredAt, endedAt } = call;
  const facts = { callId, state, startedAt, answeredAt, endedAt };
  if (call.from === phone)
    return [{ ...facts, direction: 'outgoing', dialled: call.dialled, heard: call.heard }];
  return call.callee === phone ? [{ ...facts, direction: 'incoming', callerId: call.callerId }] : [];
}

function toTextSeen(text: NetworkText, phone: string): object[] {
  const { messageId, body, at } = text;
  if (text.from === phone)
    return [{ messageId, body, at, direction: 'outgoing', to: text.to, state: text.state }];
  return text.callee === phone ? [{ messageId, body, at, direction: 'incoming', from: text.callerId }] : [];
}
