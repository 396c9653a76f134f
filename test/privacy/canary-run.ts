import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BusMessage } from '../../src/bus/bus.ts';
import { createEmbeddedBus } from '../../src/bus/embedded/embedded-bus.ts';
import { createValueSealing } from '../../src/bus/embedded/value-sealing.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPglite } from '../../src/storage/pglite/open-pglite.ts';
import { DeliveryCompany, type Person } from '../system/delivery-company.ts';
import { type Answer, type Product, until } from '../system/product.ts';
import type { Remains } from './leak-scan.ts';

/** Numbers reserved for fiction that nothing else in the repository mentions: half British, half American. */
export const CANARIES: readonly string[] = [
  ...Array.from({ length: 20 }, (_, i) => `+4477009006${String(61 + i)}`),
  ...Array.from({ length: 20 }, (_, i) => `+1${['415', '503', '617', '718'][i % 4]}55501${String(61 + i)}`),
];

/** Drives canary numbers through whatever takes a number, and keeps what was answered. */
export class CanaryRun {
  readonly answers: Remains[] = [];
  readonly #product: Product;
  #next = 0;

  constructor(product: Product) {
    this.#product = product;
  }

  #canary(): string {
    return CANARIES[this.#next++ % CANARIES.length] as string;
  }

  #keep(place: string, body: unknown): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.answers.push({ place: `answer ${place}`, bytes: Buffer.from(text ?? '') });
  }

  async #ask(
    method: string,
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer['body']> {
    const answer = await this.#product.maskline(method, url, body, headers);
    this.#keep(`${method} ${url.replaceAll(/[0-9]{6,}/g, '…')}`, answer.body);
    return answer.body;
  }

  /** Well and badly formed requests to every call of the API that takes a text. */
  async api(): Promise<void> {
    const participants = () => [
      { role: 'customer', userId: 'canary', realNumber: this.#canary() },
      { role: 'driver', realNumber: this.#canary() },
    ];
    const session = (change: object = {}) => ({
      pool: 'default',
      reference: `canary-${this.#next}`,
      participants: participants(),
      ...change,
    });
    const key = { 'idempotency-key': 'canary-session' };
    const body = session();
    const opened = await this.#ask('POST', '/v1/sessions', body, key);
    await this.#ask('POST', '/v1/sessions', body, key);
    await this.#ask('POST', '/v1/sessions', session(), key);
    await this.#ask('POST', '/v1/sessions', session(), { 'idempotency-key': this.#canary() });
    await this.#ask('PATCH', `/v1/sessions/${opened.id}`, {
      participant: { id: opened.participants[0].id, realNumber: this.#canary() },
    });
    const same = this.#canary();
    const twins = [
      { role: 'customer', realNumber: same },
      { role: 'driver', realNumber: same },
    ];
    await this.#ask('POST', '/v1/sessions', session({ participants: twins }));
    await this.#ask('POST', '/v1/sessions', session({ pool: 'nowhere' }));
    await this.#ask('POST', '/v1/sessions', session({ [this.#canary()]: this.#canary() }));
    await this.#ask('POST', '/v1/sessions', session({ participants: this.#canary() }));
    await this.#ask(
      'POST',
      '/v1/sessions',
      session({ participants: [{ role: this.#canary(), realNumber: `${this.#canary()}x` }] }),
    );
    await this.#ask('POST', '/v1/sessions', `{"pool":"${this.#canary()}`);
    await this.#ask('POST', `/v1/sessions/${encodeURIComponent(this.#canary())}/close`, {});
    await this.#ask('PATCH', `/v1/virtual-numbers/${encodeURIComponent(this.#canary())}`, {
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
      await this.#ask('GET', `/v1/${list}?${name}=${encodeURIComponent(this.#canary())}`);
    }
    await this.#ask('GET', `/${encodeURIComponent(this.#canary())}`);
    await this.#ask('GET', '/v1/pools', undefined, { authorization: `Bearer ${this.#canary()}` });
    await this.#ask('GET', '/v1/sessions');
    await this.#decisions(opened.participants[1].virtualNumber);
    await this.#history(opened.participants[1]);
    await this.#ask('POST', '/v1/webhooks', { url: `https://${this.#canary().slice(1)}.example/` });
    await this.#ask('POST', `/v1/sessions/${opened.id}/close`, { reason: 'completed' });
  }

  /** Questions about the past; the answer of a reveal holds a number by its nature, its row in the audit does not. */
  async #history(holder: { id: string; virtualNumber: string }): Promise<void> {
    const query = `?at=${new Date().toISOString()}&reason=${encodeURIComponent(`about ${this.#canary()}`)}`;
    for (const e164 of [holder.virtualNumber, this.#canary()]) {
      await this.#ask('GET', `/v1/virtual-numbers/${encodeURIComponent(e164)}/holders${query}`);
    }
    const reason = { reason: `a reason with ${this.#canary()} in it` };
    const revealed = await this.#product.maskline('POST', `/v1/participants/${holder.id}/reveals`, reason);
    if (revealed.status !== 201) throw new Error(`Nothing was revealed: ${revealed.status}.`);
    await this.#ask('POST', `/v1/participants/${this.#canary().slice(1)}/reveals`, reason);
  }

  /** Answers with a destination are what a switch must be told; all others must hold no number. */
  async #decisions(virtualNumber: string): Promise<void> {
    const questions = [
      { callingNumber: this.#canary(), calledNumber: virtualNumber, callId: 'canary-1' },
      { callingNumber: this.#canary(), calledNumber: this.#canary(), callId: 'canary-2' },
      { callingNumber: null, calledNumber: this.#canary(), callId: 'canary-3', kind: 'message' },
      { callingNumber: this.#canary(), calledNumber: this.#canary().slice(1), callId: 'canary-4' },
    ];
    for (const question of questions) {
      const { body } = await this.#product.maskline('POST', '/v1/route-decisions', question);
      if (body.decision !== 'bridge') this.#keep('POST /v1/route-decisions', body);
    }
  }

  /** Webhooks that nobody signed, in the shapes in which providers send numbers. */
  async forgedWebhooks(): Promise<void> {
    for (const provider of ['simulator', 'twilio', 'plivo', 'sip']) {
      const url = `/webhooks/${provider}/acc_x/secret/answer?From=${encodeURIComponent(this.#canary())}`;
      await this.#ask('GET', url);
      await this.#ask('POST', url, { from: this.#canary(), to: this.#canary() });
      await this.#ask('POST', url, `From=${encodeURIComponent(this.#canary())}`, {
        'content-type': 'application/x-www-form-urlencoded',
      });
    }
  }

  /** Orders, calls and texts of the delivery company, answered, refused and poisonous; and all of its pages. */
  async delivery(): Promise<void> {
    const company = new DeliveryCompany(this.#product);
    const [customer, driver, stranger] = (await Promise.all(
      ['customer', 'driver', 'driver'].map((role, i) => this.#hire(role, `canary-${i}`)),
    )) as [Person, Person, Person];
    const { orderId, ddd, aaa } = await company.delivering(customer, driver);
    const call = await this.#product.simulator('POST', '/calls', { from: customer.realNumber, to: ddd });
    await this.#product.simulator('POST', `/calls/${call.body.callId}/answer`);
    await this.#pages(orderId, [customer, driver]);
    await this.#product.simulator('POST', `/calls/${call.body.callId}/hangup`);
    await this.#product.simulator('POST', '/messages', {
      from: driver.realNumber,
      to: aaa,
      body: `I am ${driver.realNumber}`,
    });
    await this.#product.simulator('POST', '/messages', {
      from: stranger.realNumber,
      to: aaa,
      body: this.#canary(),
    });
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: ddd });
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: this.#canary() });
    const handset = await this.#product.delivery('POST', `/api/phones/${driver.userId}/calls`, { to: aaa });
    this.#keep('handset', handset.body);
    // Two people with one number: the event can never be applied.
    const twin = { userId: 'canary-twin', realNumber: customer.realNumber };
    await this.#product.delivery('POST', '/api/profiles', { ...twin, role: 'driver', name: 'Twin' });
    await company.assign(await company.place(customer), twin);
    await company.complete(orderId);
    await company.gone(orderId);
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: ddd });
  }

  async #hire(role: string, userId: string): Promise<Person> {
    const person = { userId, realNumber: this.#canary() };
    const answer = await this.#product.delivery('POST', '/api/profiles', { ...person, role, name: userId });
    if (answer.status >= 300) throw new Error(`The profile was refused with ${answer.status}.`);
    this.#keep('profile', answer.body);
    return person;
  }

  async #pages(orderId: string, people: readonly Person[]): Promise<void> {
    const ids = people.map(({ userId }) => userId);
    const pages = [
      '/',
      '/api/orders',
      '/api/profiles',
      '/api/calls',
      '/api/activity',
      `/api/orders/${orderId}?as=customer`,
      `/api/orders/${orderId}?as=driver`,
      ...ids.flatMap((id) => [`/customer/${id}`, `/driver/${id}`, `/phone/${id}`, `/api/phones/${id}`]),
    ];
    for (const page of pages) this.#keep(`page ${page}`, (await this.#product.delivery('GET', page)).body);
    this.#keep('live page', await this.#firstOf(`/api/events?phones=${ids.join(',')}`));
  }

  /** What a live stream says in its first second. */
  async #firstOf(stream: string): Promise<string> {
    let text = '';
    try {
      const response = await fetch(this.#product.url('delivery', stream), {
        signal: AbortSignal.timeout(1_000),
      });
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
    } catch {
      // The second is over.
    }
    return text;
  }

  /** Puts events with real numbers on the embedded bus of a product that is not running: good ones and poison. */
  async publishWhileStopped(): Promise<void> {
    const { dataDir } = this.#product;
    const masterKey = Buffer.from(readFileSync(path.join(dataDir, 'master.key'), 'utf8'), 'base64');
    const shared = { clock: systemClock, random: systemRandom };
    const database = await openPglite({ dataDir: path.join(dataDir, 'database'), clock: systemClock });
    const sealing = createValueSealing(masterKey, systemRandom);
    const bus = createEmbeddedBus({ ...shared, database, sealing, soleProcess: true });
    await bus.publish('orders', this.#events());
    await bus.close();
    await database.close();
  }

  #events(): BusMessage[] {
    const participants = () =>
      ['customer', 'driver'].map((role) => ({ role, userId: role, realNumber: this.#canary() }));
    const event = (id: string, type: string, data: unknown): BusMessage => ({
      key: id,
      headers: { 'content-type': 'application/cloudevents+json' },
      value: Buffer.from(
        JSON.stringify({
          specversion: '1.0',
          id,
          source: '/canary',
          type,
          time: new Date().toISOString(),
          data,
        }),
      ),
    });
    const assigned = 'order.driver_assigned';
    const number = this.#canary();
    return [
      event('canary-good', assigned, {
        orderId: 'canary-good',
        pool: 'default',
        participants: participants(),
      }),
      event('canary-pool', assigned, {
        orderId: 'canary-pool',
        pool: 'nowhere',
        participants: participants(),
      }),
      event('canary-twins', assigned, {
        orderId: 'canary-twins',
        pool: 'default',
        participants: ['a', 'b'].map((role) => ({ role, realNumber: number })),
      }),
      event('canary-invalid', assigned, {
        orderId: 'canary-invalid',
        pool: 'default',
        participants: [this.#canary()],
      }),
      event('canary-type', `order.${this.#canary()}`, { number: this.#canary() }),
      { key: 'canary-text', headers: {}, value: Buffer.from(`call me at ${this.#canary()}`) },
    ];
  }

  /** Waits until the restarted product has read them all. */
  async eventsRead(): Promise<void> {
    await until('the good event', async () => {
      const { body } = await this.#product.maskline('GET', '/v1/sessions?reference=canary-good');
      return body.data?.length === 1;
    });
    await until('the dead letters', async () =>
      /maskline_dead_letters_total\{reason="not_a_cloud_event"\} 1/.test(await this.#metrics()),
    );
  }

  async #metrics(): Promise<string> {
    return String((await this.#product.maskline('GET', '/metrics')).body);
  }

  /** What the running service shows to whoever asks. */
  async publicPages(): Promise<void> {
    for (const page of ['/metrics', '/openapi.json', '/docs', '/healthz', '/readyz'])
      await this.#ask('GET', page);
    for (const list of ['sessions', 'calls', 'messages', 'pools', 'virtual-numbers'])
      await this.#ask('GET', `/v1/${list}?limit=200`);
  }
}
