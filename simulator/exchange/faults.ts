import type { Random } from '../../src/lib/random.ts';

/** How the operator misbehaves, for whoever tests what must survive it. All off by default. */
export interface FaultSettings {
  /** milliseconds that the account's answer needs on its way; they count towards the answer time-out */
  readonly answerDelayMs: number;
  /** milliseconds before each status callback is sent */
  readonly callbackDelayMs: number;
  /** how many times each status callback is sent once more */
  readonly duplicateCallbacks: number;
  /** probability that a status callback is never sent */
  readonly loseCallbacks: number;
  /** whether a status callback lets the next one of its call overtake */
  readonly reorderCallbacks: boolean;
  /** probability that selling a number fails, and nothing is sold */
  readonly sellErrors: number;
  /** probability that a number is sold and the buyer does not hear of it */
  readonly loseSellAnswers: number;
  /** probability that listing the numbers held fails */
  readonly listErrors: number;
  /** phones that are busy whenever they are called */
  readonly busyPhones: readonly string[];
}

export const NO_FAULTS: FaultSettings = {
  answerDelayMs: 0,
  callbackDelayMs: 0,
  duplicateCallbacks: 0,
  loseCallbacks: 0,
  reorderCallbacks: false,
  sellErrors: 0,
  loseSellAnswers: 0,
  listErrors: 0,
  busyPhones: [],
};

/** The faults in force. They are a knob, not a fact: a restart turns them off. */
export class Faults {
  readonly #random: Random;
  #settings = NO_FAULTS;
  #busy: ReadonlySet<string> = new Set();

  constructor(random: Random) {
    this.#random = random;
  }

  get settings(): FaultSettings {
    return this.#settings;
  }

  /** What is not mentioned is off. */
  replace(settings: Partial<FaultSettings>): FaultSettings {
    this.#settings = { ...NO_FAULTS, ...settings };
    this.#busy = new Set(this.#settings.busyPhones);
    return this.#settings;
  }

  isBusy(phone: string): boolean {
    return this.#busy.has(phone);
  }

  strikes(fault: 'loseCallbacks' | 'sellErrors' | 'loseSellAnswers' | 'listErrors'): boolean {
    const probability = this.#settings[fault];
    // Nothing is drawn while a fault is off, so that turning one on does not change the draws of another run.
    return probability > 0 && this.#random.next() < probability;
  }
}
