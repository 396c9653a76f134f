import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import type { Bus, Consumer, DeliveredMessage } from '../../../../src/bus/bus.ts';

export const FAKE_API_KEY = 'fake-api-key';

interface FakeParticipant {
  readonly role: string;
  readonly userId: string;
  readonly realNumber: string;
  readonly virtualNumber: string;
}

interface FakeSession {
  readonly sessionId: string;
  readonly reference: string;
  readonly assignment: number;
  readonly participants: readonly FakeParticipant[];
  isOpen: boolean;
}

/** What the fake tells the phone network about a call, or a text. */
export type FakeDecision =
  | { readonly connect: string; readonly callerId: string; readonly call: FakeCall }
  | { readonly heard: string; readonly call: FakeCall };

export interface FakeCall {
  readonly reference: string | null;
  readonly callingRole: string | null;
  readonly calledRole: string | null;
  readonly virtualNumber: string;
  readonly reason: string;
}

interface OrderEvent {
  readonly type: string;
  readonly data: {
    readonly orderId: string;
    readonly assignment: number;
    readonly participants: readonly { readonly role: string; readonly userId: string }[];
  };
}

interface FakeMasklineOptions {
  readonly bus: Bus;
  readonly topics: { readonly orders: string; readonly masking: string };
  readonly pool: string;
  /** numbers in stock; each serves one session and is not used again */
  readonly stock: readonly string[];
  /** the company's Profile directory */
  readonly profileOf: (userId: string) => Promise<{ readonly realNumber: string }>;
}

/**
 * Just enough of Maskline for the tests and previews of the delivery company: it follows the orders, announces
 * sessions, decides calls and answers the two questions of the REST API. The product is tested elsewhere.
 */
export class FakeMaskline {
  readonly #options: FakeMasklineOptions;
  readonly #app = Fastify();
  readonly #sessions: FakeSession[] = [];
  readonly #records: Record<string, unknown>[] = [];
  readonly #idle: string[];
  #consumer: Consumer | null = null;
  /** answers 503 to everything while it is set */
  isAway = false;

  constructor(options: FakeMasklineOptions) {
    this.#options = options;
    this.#idle = [...options.stock];
  }

  async start(): Promise<string> {
    const { bus, topics } = this.#options;
    this.#addRoutes();
    this.#consumer = await bus.subscribe({
      topic: topics.orders,
      group: 'maskline',
      handle: async (batch) => {
        for (const message of batch) await this.#handle(message);
      },
    });
    return this.#app.listen({ host: '127.0.0.1', port: 0 });
  }

  async stop(): Promise<void> {
    await this.#consumer?.stop();
    await this.#app.close();
  }

  announce(
    type: string,
    key: string,
    data: object,
    id: string = randomUUID(),
    at = Date.now(),
  ): Promise<void> {
    const time = new Date(at).toISOString();
    const event = { specversion: '1.0', id, source: '/maskline', type, time, data };
    const message = { key, value: Buffer.from(JSON.stringify(event)), headers: {} };
    return this.#options.bus.publish(this.#options.topics.masking, [message]);
  }

  decide(callingNumber: string, calledNumber: string): FakeDecision {
    const former: FakeSession[] = [];
    for (const session of this.#sessions) {
      const caller = session.participants.find((each) => each.realNumber === callingNumber);
      const callee = session.participants.find((each) => each.virtualNumber === calledNumber);
      if (!caller || !callee || caller === callee) continue;
      if (!session.isOpen) former.push(session);
      else return this.#connect(session, caller, callee);
    }
    const ended = former.at(-1);
    const reason = ended ? 'session_ended' : 'unknown_caller';
    const heard = ended
      ? 'This order has ended, so the other person can no longer be reached on this number. Goodbye.'
      : 'The number you have dialled cannot be connected. Goodbye.';
    const reference = ended?.reference ?? null;
    const call = { reference, callingRole: null, calledRole: null, virtualNumber: calledNumber, reason };
    return { heard, call };
  }

  record(
    callId: string,
    call: FakeCall,
    callerId: string | null,
    state: string,
    seconds: number | null,
  ): void {
    const known = this.#records.find((each) => each.id === callId);
    const fields = { state, durationSeconds: seconds };
    if (known) Object.assign(known, fields);
    else {
      const decision = call.reason === 'ok' ? 'bridge' : 'announce';
      const startedAt = new Date().toISOString();
      this.#records.unshift({ id: callId, ...call, callerId, decision, startedAt, ...fields });
    }
  }

  #connect(session: FakeSession, caller: FakeParticipant, callee: FakeParticipant): FakeDecision {
    const call: FakeCall = {
      reference: session.reference,
      callingRole: caller.role,
      calledRole: callee.role,
      virtualNumber: callee.virtualNumber,
      reason: 'ok',
    };
    return { connect: callee.realNumber, callerId: caller.virtualNumber, call };
  }

  async #handle(message: DeliveredMessage): Promise<void> {
    const { type, data } = JSON.parse(Buffer.from(message.value).toString('utf8')) as OrderEvent;
    if (type === 'order.driver_assigned') {
      await this.#close(data.orderId, 'reassigned');
      await this.#open(data);
    }
    if (type === 'order.completed') await this.#close(data.orderId, 'completed');
    if (type === 'order.cancelled') await this.#close(data.orderId, 'cancelled');
  }

  async #open({ orderId, assignment, participants }: OrderEvent['data']): Promise<void> {
    const members: FakeParticipant[] = [];
    for (const { role, userId } of participants) {
      const { realNumber } = await this.#options.profileOf(userId);
      members.push({ role, userId, realNumber, virtualNumber: this.#idle.shift() ?? '' });
    }
    const session = {
      sessionId: randomUUID(),
      reference: orderId,
      assignment,
      participants: members,
      isOpen: true,
    };
    this.#sessions.push(session);
    await this.announce('session.opened', orderId, this.#sessionData(session));
  }

  async #close(orderId: string, reason: string): Promise<void> {
    for (const session of this.#sessions) {
      if (session.reference !== orderId || !session.isOpen) continue;
      session.isOpen = false;
      await this.announce('session.closed', orderId, { ...this.#sessionData(session), reason });
    }
  }

  #sessionData({ sessionId, reference, assignment, participants }: FakeSession): object {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const shown = participants.map(({ role, userId, virtualNumber }) => ({ role, userId, virtualNumber }));
    return { sessionId, reference, assignment, pool: this.#options.pool, expiresAt, participants: shown };
  }

  #addRoutes(): void {
    const { pool, stock } = this.#options;
    this.#app.addHook('onRequest', async (request, reply) => {
      if (this.isAway) return reply.code(503).send({ code: 'MASK_DEPENDENCY_UNAVAILABLE' });
      if (request.headers.authorization !== `Bearer ${FAKE_API_KEY}`) return reply.code(401).send({});
      return undefined;
    });
    this.#app.get('/v1/pools/:name', async (request, reply) => {
      const { name } = request.params as { name: string };
      if (name !== pool) return reply.code(404).send({});
      const allocated = this.#sessions.filter(({ isOpen }) => isOpen).length * 2;
      const idle = this.#idle.length;
      const resting = stock.length - idle - allocated;
      const stockNow = {
        inService: stock.length,
        idle,
        allocated,
        resting,
        reserved: 0,
        draining: 0,
        suspended: 0,
      };
      const policy = { providerAccount: 'simulator', lowWater: 10, target: 20, max: 200 };
      return { name, mode: 'dedicated', countries: ['US'], stock: policy, stockNow };
    });
    this.#app.get('/v1/calls', async (request) => {
      const { reference } = request.query as { reference: string };
      return { data: this.#records.filter((each) => each.reference === reference), nextCursor: null };
    });
  }
}
