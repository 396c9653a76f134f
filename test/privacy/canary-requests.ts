import type { Answer } from '../system/product.ts';
import { CANARIES } from './canaries.ts';
import type { Remains } from './leak-scan.ts';

/** Whoever takes requests of the public API. */
export interface CanaryTarget {
  maskline(
    method: string,
    pathAndQuery: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

/** Puts canary numbers into every request that takes a text, and keeps what was answered. */
export class CanaryRequests {
  readonly answers: Remains[] = [];
  readonly #target: CanaryTarget;
  readonly #pool: string;
  #next = 0;

  constructor(target: CanaryTarget, pool = 'default') {
    this.#target = target;
    this.#pool = pool;
  }

  /** another one each time, until all had their turn */
  canary(): string {
    return CANARIES[this.#next++ % CANARIES.length] as string;
  }

  keep(place: string, body: unknown): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.answers.push({ place: `answer ${place}`, bytes: Buffer.from(text ?? '') });
  }

  async #ask(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer['body']> {
    const answer = await this.#target.maskline(method, url, body, headers);
    this.keep(`${method} ${url.replaceAll(/[0-9]{6,}/g, '…')}`, answer.body);
    return answer.body;
  }

  /** Well and badly formed requests to every call of the API that takes a text. */
  async api(): Promise<void> {
    const participants = () => [
      { role: 'customer', userId: 'canary', realNumber: this.canary() },
      { role: 'driver', realNumber: this.canary() },
    ];
    const session = (change: object = {}) => ({
      pool: this.#pool,
      reference: `canary-${this.#next}`,
      participants: participants(),
      ...change,
    });
    const key = { 'idempotency-key': 'canary-session' };
    const body = session();
    const opened = await this.#ask('POST', '/v1/sessions', body, key);
    await this.#ask('POST', '/v1/sessions', body, key);
    await this.#ask('POST', '/v1/sessions', session(), key);
    await this.#ask('POST', '/v1/sessions', session(), { 'idempotency-key': this.canary() });
    await this.#ask('PATCH', `/v1/sessions/${opened.id}`, {
      participant: { id: opened.participants[0].id, realNumber: this.canary() },
    });
    const same = this.canary();
    const twins = [
      { role: 'customer', realNumber: same },
      { role: 'driver', realNumber: same },
    ];
    await this.#ask('POST', '/v1/sessions', session({ participants: twins }));
    await this.#ask('POST', '/v1/sessions', session({ pool: 'nowhere' }));
    await this.#ask('POST', '/v1/sessions', session({ [this.canary()]: this.canary() }));
    await this.#ask('POST', '/v1/sessions', session({ participants: this.canary() }));
    await this.#ask(
      'POST',
      '/v1/sessions',
      session({ participants: [{ role: this.canary(), realNumber: `${this.canary()}x` }] }),
    );
    await this.#ask('POST', '/v1/sessions', `{"pool":"${this.canary()}`);
    await this.#ask('POST', `/v1/sessions/${encodeURIComponent(this.canary())}/close`, {});
    await this.#ask('PATCH', `/v1/virtual-numbers/${encodeURIComponent(this.canary())}`, {
      state: 'reserved',
    });
    for (const [list, name] of [
      ['sessions', 'reference'],
      ['calls', 'session'],
      ['messages', 'session'],
      ['virtual-numbers', 'pool'],
      ['pools', 'cursor'],
      ['calls', 'x'],
    ]) {
      await this.#ask('GET', `/v1/${list}?${name}=${encodeURIComponent(this.canary())}`);
    }
    await this.#ask('GET', `/${encodeURIComponent(this.canary())}`);
    await this.#ask('GET', '/v1/pools', undefined, { authorization: `Bearer ${this.canary()}` });
    await this.#ask('GET', '/v1/sessions');
    await this.#decisions(opened.participants[1].virtualNumber);
    await this.#history(opened.participants[1]);
    await this.#ask('POST', '/v1/webhooks', { url: `https://${this.canary().slice(1)}.example/` });
    await this.#ask('POST', `/v1/sessions/${opened.id}/close`, { reason: 'completed' });
  }

  /** A session and a call for every number that there is, two at a time. */
  async everyNumber(): Promise<void> {
    for (let i = 0; i < CANARIES.length; i += 2) {
      const [customer = '', driver = ''] = CANARIES.slice(i, i + 2);
      const participants = [
        { role: 'customer', realNumber: customer },
        { role: 'driver', realNumber: driver },
      ];
      const opened = await this.#ask('POST', '/v1/sessions', {
        pool: this.#pool,
        reference: `every-${i}`,
        participants,
      });
      if (opened.participants === undefined) throw new Error(`No session: ${JSON.stringify(opened)}`);
      const dialled = opened.participants[1].virtualNumber ?? customer;
      const question = { callingNumber: customer, calledNumber: dialled, callId: `every-${i}` };
      const { body } = await this.#target.maskline('POST', '/v1/route-decisions', question);
      if (body.decision !== 'bridge') this.keep('POST /v1/route-decisions', body);
      await this.#ask('POST', `/v1/sessions/${opened.id}/close`, {});
    }
  }

  /** Questions about the past; the answer of a reveal holds a number by its nature, its row in the audit does not. */
  async #history(holder: { id: string; virtualNumber: string }): Promise<void> {
    const query = `?at=${new Date().toISOString()}&reason=${encodeURIComponent(`about ${this.canary()}`)}`;
    for (const e164 of [holder.virtualNumber, this.canary()]) {
      await this.#ask('GET', `/v1/virtual-numbers/${encodeURIComponent(e164)}/holders${query}`);
    }
    const reason = { reason: `a reason with ${this.canary()} in it` };
    const revealed = await this.#target.maskline('POST', `/v1/participants/${holder.id}/reveals`, reason);
    if (revealed.status !== 201) throw new Error(`Nothing was revealed: ${revealed.status}.`);
    await this.#ask('POST', `/v1/participants/${this.canary().slice(1)}/reveals`, reason);
  }

  /** Answers with a destination are what a switch must be told; all others must hold no number. */
  async #decisions(virtualNumber: string): Promise<void> {
    const questions = [
      { callingNumber: this.canary(), calledNumber: virtualNumber, callId: 'canary-1' },
      { callingNumber: this.canary(), calledNumber: this.canary(), callId: 'canary-2' },
      { callingNumber: null, calledNumber: this.canary(), callId: 'canary-3', kind: 'message' },
      { callingNumber: this.canary(), calledNumber: this.canary().slice(1), callId: 'canary-4' },
    ];
    for (const question of questions) {
      const { body } = await this.#target.maskline('POST', '/v1/route-decisions', question);
      if (body.decision !== 'bridge') this.keep('POST /v1/route-decisions', body);
    }
  }

  /** Webhooks that nobody signed, in the shapes in which providers send numbers. */
  async forgedWebhooks(): Promise<void> {
    for (const provider of ['simulator', 'twilio', 'plivo', 'sip']) {
      const url = `/webhooks/${provider}/acc_x/secret/answer?From=${encodeURIComponent(this.canary())}`;
      await this.#ask('GET', url);
      await this.#ask('POST', url, { from: this.canary(), to: this.canary() });
      await this.#ask('POST', url, `From=${encodeURIComponent(this.canary())}`, {
        'content-type': 'application/x-www-form-urlencoded',
      });
    }
  }

  /** What the running service shows to whoever asks. */
  async publicPages(): Promise<void> {
    for (const page of ['/metrics', '/openapi.json', '/docs', '/healthz', '/readyz'])
      await this.#ask('GET', page);
    for (const list of ['sessions', 'calls', 'messages', 'pools', 'virtual-numbers'])
      await this.#ask('GET', `/v1/${list}?limit=200`);
  }
}
