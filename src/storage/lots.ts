import { StorageError } from './storage-error.ts';

export interface LotsOptions<Question, Answer> {
  /** as many answers as there are questions, in their order */
  readonly together: (tenant: string, questions: readonly Question[]) => Promise<readonly Answer[]>;
  /** one by itself: when nobody else asks, or when a lot was refused because of one of its questions */
  readonly alone: (tenant: string, question: Question) => Promise<Answer>;
  /** of two questions that have a name in common the second is asked when the first was answered */
  readonly names: (question: Question) => readonly string[];
  /** what all questions of a lot have in common */
  readonly kind: (question: Question) => string;
  /** questions in a lot */
  readonly sizeMaximum: number;
  /** lots of one tenant that are under way at once */
  readonly concurrency: number;
  /** questions of one tenant that wait; one more is refused at once */
  readonly waitingMaximum: number;
}

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** What the tenants' questions look like at one moment. */
class Queue<Question, Answer> {
  waiting: Waiting<Question, Answer>[] = [];
  underWay = 0;
  /** of the questions that are under way */
  readonly names = new Set<string>();
}

/**
 * One of the questions is wrong, and would be so alone: nothing was changed, and each is asked by itself, so that its
 * neighbours do not suffer. All other errors of storage are of the way to the database, and so of all of them.
 */
const OF_ONE = new Set<StorageError['code']>(['constraint', 'other']);

/**
 * Asks storage about many things in one statement. Questions that come within one turn of the event loop, or while
 * earlier lots are under way, go together, in their order; nothing ever waits for a clock, so that a single question
 * is as quick as without. Tenants never share a lot. An answer is always of a statement that began after the
 * question: nothing is kept, so nothing can be out of date.
 */
export class Lots<Question, Answer> {
  readonly #options: LotsOptions<Question, Answer>;
  readonly #queues = new Map<string, Queue<Question, Answer>>();
  #scheduled = false;

  constructor(options: LotsOptions<Question, Answer>) {
    this.#options = options;
  }

  /** @throws StorageError `unavailable` when too many wait; else what the statement threw */
  ask(tenant: string, question: Question): Promise<Answer> {
    const queue = this.#queues.get(tenant) ?? this.#open(tenant);
    const { waitingMaximum } = this.#options;
    if (queue.waiting.length >= waitingMaximum) {
      const reason = `${waitingMaximum} others already wait for the database`;
      return Promise.reject(new StorageError('unavailable', `No turn at the database: ${reason}.`));
    }
    return new Promise((resolve, reject) => {
      queue.waiting.push({ question, resolve, reject });
      this.#schedule();
    });
  }

  #open(tenant: string): Queue<Question, Answer> {
    const queue = new Queue<Question, Answer>();
    this.#queues.set(tenant, queue);
    return queue;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After everything that has arrived in this turn was read.
    setImmediate(() => {
      this.#scheduled = false;
      for (const [tenant, queue] of this.#queues) this.#start(tenant, queue);
    });
  }

  #start(tenant: string, queue: Queue<Question, Answer>): void {
    while (queue.waiting.length > 0 && queue.underWay < this.#options.concurrency) {
      const lot = this.#nextLot(queue);
      // Each of them waits for one that is under way, and is looked at again when that is done.
      if (lot.length === 0) break;
      void this.#handle(tenant, queue, lot);
    }
    if (queue.waiting.length === 0 && queue.underWay === 0) this.#queues.delete(tenant);
  }

  /** The oldest question and what may go with it; the others stay, in their order. */
  #nextLot(queue: Queue<Question, Answer>): Waiting<Question, Answer>[] {
    const { sizeMaximum, names, kind } = this.#options;
    const lot: Waiting<Question, Answer>[] = [];
    const left: Waiting<Question, Answer>[] = [];
    const taken = new Set(queue.names);
    let kindOfLot: string | null = null;
    for (const waiting of queue.waiting) {
      const ownNames = names(waiting.question);
      const ownKind = kind(waiting.question);
      const fits =
        lot.length < sizeMaximum &&
        ownKind === (kindOfLot ?? ownKind) &&
        !ownNames.some((name) => taken.has(name));
      if (fits) kindOfLot = ownKind;
      // Whoever stays behind keeps what comes after from overtaking it.
      for (const name of ownNames) taken.add(name);
      (fits ? lot : left).push(waiting);
    }
    queue.waiting = left;
    return lot;
  }

  async #handle(
    tenant: string,
    queue: Queue<Question, Answer>,
    lot: readonly Waiting<Question, Answer>[],
  ): Promise<void> {
    const names = lot.flatMap(({ question }) => this.#options.names(question));
    queue.underWay++;
    for (const name of names) queue.names.add(name);
    try {
      const [only] = lot;
      if (only && lot.length === 1) await this.#askAlone(tenant, only);
      else await this.#askTogether(tenant, lot);
    } finally {
      queue.underWay--;
      for (const name of names) queue.names.delete(name);
      this.#start(tenant, queue);
    }
  }

  async #askTogether(tenant: string, lot: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await this.#options.together(
        tenant,
        lot.map(({ question }) => question),
      );
      for (const [i, { resolve }] of lot.entries()) resolve(answers[i] as Answer);
    } catch (error) {
      if (error instanceof StorageError && !OF_ONE.has(error.code)) {
        for (const { reject } of lot) reject(error);
        return;
      }
      await Promise.all(lot.map((waiting) => this.#askAlone(tenant, waiting)));
    }
  }

  async #askAlone(tenant: string, { question, resolve, reject }: Waiting<Question, Answer>): Promise<void> {
    try {
      resolve(await this.#options.alone(tenant, question));
    } catch (error) {
      reject(error);
    }
  }
}
