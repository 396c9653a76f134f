/** How many texts are remembered; at ten a second, a quarter of an hour. */
const REMEMBERED_MAXIMUM = 10_000;

/**
 * Sends each thing once, as far as this process knows: providers deliver a webhook again when its answer is late,
 * and have no key of their own against sending a text twice. What failed may be sent again.
 */
export class SendOnce {
  readonly #sent = new Map<string, Promise<void>>();

  run(key: string, send: () => Promise<void>): Promise<void> {
    const under = this.#sent.get(key);
    if (under) return under;
    const sending = send();
    this.#sent.set(key, sending);
    sending.catch(() => this.#sent.delete(key));
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > REMEMBERED_MAXIMUM && oldest !== undefined) this.#sent.delete(oldest);
    return sending;
  }
}
