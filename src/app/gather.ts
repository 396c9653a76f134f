/** Requests that come within one turn of the event loop, or while others are under way, are handled together. */
export interface GatherOptions<Request, Result> {
  /** as many results as there are requests, in their order */
  readonly handle: (requests: readonly Request[]) => Promise<readonly Result[]>;
  readonly sizeMaximum: number;
  /** how many lots may be under way at once */
  readonly concurrency: number;
  /** how many requests may wait for a lot; further ones are refused at once */
  readonly waitingMaximum: number;
  /** what those are told */
  readonly refusal: () => Error;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Gather<Request, Result> {
  readonly #options: GatherOptions<Request, Result>;
  readonly #waiting: Waiting<Request, Result>[] = [];
  #underWay = 0;
  #scheduled = false;

  constructor(options: GatherOptions<Request, Result>) {
    this.#options = options;
  }

  /** @throws the refusal, or what the lot failed with */
  ask(request: Request): Promise<Result> {
    const { waitingMaximum, refusal } = this.#options;
    if (this.#waiting.length >= waitingMaximum) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the promises of this turn, so that whoever needs a few of them is still in time.
    setImmediate(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    const { sizeMaximum, concurrency } = this.#options;
    while (this.#waiting.length > 0 && this.#underWay < concurrency) {
      void this.#handle(this.#waiting.splice(0, sizeMaximum));
    }
  }

  async #handle(lot: readonly Waiting<Request, Result>[]): Promise<void> {
    this.#underWay++;
    try {
      const results = await this.#options.handle(lot.map(({ request }) => request));
      for (const [i, { resolve }] of lot.entries()) resolve(results[i] as Result);
    } catch (error) {
      for (const { reject } of lot) reject(error);
    } finally {
      this.#underWay--;
      this.#start();
    }
  }
}
