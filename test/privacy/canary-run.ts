import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createEmbeddedBus } from '../../src/bus/embedded/embedded-bus.ts';
import { createValueSealing } from '../../src/bus/embedded/value-sealing.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openPglite } from '../../src/storage/pglite/open-pglite.ts';
import { DeliveryCompany, type Person } from '../system/delivery-company.ts';
import { type Product, until } from '../system/product.ts';
import { canaryEvents } from './canary-events.ts';
import { CanaryRequests } from './canary-requests.ts';

/** Drives canary numbers through the product and the companies around it. */
export class CanaryRun extends CanaryRequests {
  readonly #product: Product;

  constructor(product: Product) {
    super(product);
    this.#product = product;
  }

  /** Subscribes an address to everything that is announced. */
  async listenAt(url: string): Promise<void> {
    const eventTypes = [
      'session.opened',
      'session.pending',
      'session.closed',
      'call.started',
      'call.answered',
      'call.ended',
      'call.refused',
      'message.relayed',
      'message.refused',
    ];
    const made = await this.#product.maskline('POST', '/v1/webhooks', { url, eventTypes });
    if (made.status !== 201) throw new Error(`The webhook was refused: ${JSON.stringify(made.body)}`);
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
      body: this.canary(),
    });
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: ddd });
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: this.canary() });
    const handset = await this.#product.delivery('POST', `/api/phones/${driver.userId}/calls`, { to: aaa });
    this.keep('handset', handset.body);
    // Two people with one number: the event can never be applied.
    const twin = { userId: 'canary-twin', realNumber: customer.realNumber };
    await this.#product.delivery('POST', '/api/profiles', { ...twin, role: 'driver', name: 'Twin' });
    await company.assign(await company.place(customer), twin);
    await company.complete(orderId);
    await company.gone(orderId);
    await this.#product.simulator('POST', '/calls', { from: stranger.realNumber, to: ddd });
  }

  async #hire(role: string, userId: string): Promise<Person> {
    const person = { userId, realNumber: this.canary() };
    const answer = await this.#product.delivery('POST', '/api/profiles', { ...person, role, name: userId });
    if (answer.status >= 300) throw new Error(`The profile was refused with ${answer.status}.`);
    this.keep('profile', answer.body);
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
    for (const page of pages) this.keep(`page ${page}`, (await this.#product.delivery('GET', page)).body);
    this.keep('live page', await this.#firstOf(`/api/events?phones=${ids.join(',')}`));
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
    await bus.publish(
      'orders',
      canaryEvents('default', () => this.canary()),
    );
    await bus.close();
    await database.close();
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
}
