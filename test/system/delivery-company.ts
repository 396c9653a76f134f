import { type Product, until } from './product.ts';

let people = 0;

/** A person of a test: a name in the Profile store and a phone at the simulator. */
export interface Person {
  readonly userId: string;
  readonly realNumber: string;
}

/** What a dispatcher does, said in a line each. */
export class DeliveryCompany {
  readonly #product: Product;

  constructor(product: Product) {
    this.#product = product;
  }

  /** Numbers are reserved for fiction: +44 7700 900000 to 900999, then +1 NPA 555 01xx. */
  async hire(role: 'customer' | 'driver'): Promise<Person> {
    const n = people++;
    const realNumber =
      n < 1_000
        ? `+447700900${String(n).padStart(3, '0')}`
        : `+1${600 + Math.floor((n - 1_000) / 100)}55501${String(n % 100).padStart(2, '0')}`;
    const userId = `${role}-${n}-${process.pid}`;
    const { status } = await this.#product.delivery('POST', '/api/profiles', {
      userId,
      role,
      name: `Person ${n}`,
      realNumber,
    });
    if (status >= 300) throw new Error(`The profile was refused with ${status}.`);
    return { userId, realNumber };
  }

  async place(customer: Person): Promise<string> {
    const { body } = await this.#product.delivery('POST', '/api/orders', { customerId: customer.userId });
    return body.orderId;
  }

  assign(orderId: string, driver: Person): Promise<unknown> {
    return this.#product.delivery('POST', `/api/orders/${orderId}/assign`, { driverId: driver.userId });
  }

  complete(orderId: string): Promise<unknown> {
    return this.#product.delivery('POST', `/api/orders/${orderId}/complete`);
  }

  cancel(orderId: string): Promise<unknown> {
    return this.#product.delivery('POST', `/api/orders/${orderId}/cancel`);
  }

  async contact(orderId: string, as: 'customer' | 'driver'): Promise<string | null> {
    const { body } = await this.#product.delivery('GET', `/api/orders/${orderId}?as=${as}`);
    return body.contact?.virtualNumber ?? null;
  }

  /** Waits until both apps show a number, different from those before; returns what each of them shows. */
  async contacts(orderId: string, before?: Contacts): Promise<Contacts> {
    let found: Contacts | null = null;
    await until(`numbers for order ${orderId}`, async () => {
      const [ddd, aaa] = [await this.contact(orderId, 'customer'), await this.contact(orderId, 'driver')];
      found = ddd && aaa && ddd !== before?.ddd ? { ddd, aaa } : null;
      return found !== null;
    });
    if (!found) throw new Error('unreachable');
    return found;
  }

  async delivering(customer: Person, driver: Person): Promise<{ orderId: string } & Contacts> {
    const orderId = await this.place(customer);
    await this.assign(orderId, driver);
    return { orderId, ...(await this.contacts(orderId)) };
  }

  async gone(orderId: string): Promise<void> {
    await until(
      `no number for order ${orderId}`,
      async () => (await this.contact(orderId, 'customer')) === null,
    );
  }
}

export interface Contacts {
  /** what the customer's app shows: it reaches the driver */
  readonly ddd: string;
  /** what the driver's app shows: it reaches the customer */
  readonly aaa: string;
}
