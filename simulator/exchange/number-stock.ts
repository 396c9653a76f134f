import type { Clock } from '../../src/lib/clock.ts';
import { createId } from '../../src/lib/id.ts';
import type { Random } from '../../src/lib/random.ts';
import type { Faults } from './faults.ts';
import type { NumberCatalogue } from './number-catalogue.ts';
import type { NumberHeld, NumberRecords, NumberWebhooks } from './number-records.ts';
import { OperatorError } from './operator-error.ts';

export interface NumberOnSale {
  readonly virtualNumber: string;
  readonly country: string;
}

export interface NumberStockOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly catalogue: NumberCatalogue;
  readonly records: NumberRecords;
  readonly faults: Faults;
  /** for a purchase that names no URLs of its own */
  readonly defaultWebhooks: NumberWebhooks;
}

/** What is on sale, and what the account holds. */
export class NumberStock {
  readonly #options: NumberStockOptions;
  readonly #held = new Map<string, NumberHeld>();
  readonly #phoneLines: Set<string>;
  /** By country: no number before this place is for sale, so that a search does not walk over what is sold. */
  readonly #firstOnSale = new Map<string, number>();

  constructor(options: NumberStockOptions) {
    this.#options = options;
    for (const held of options.records.all()) this.#held.set(held.virtualNumber, held);
    this.#phoneLines = new Set(options.records.phoneLines());
  }

  /** Numbers on sale, of one country or, for null, of all in the order of the catalogue. */
  search(country: string | null, limit: number): NumberOnSale[] {
    const found: NumberOnSale[] = [];
    const countries = country === null ? this.#options.catalogue.countries : [country];
    for (const each of countries) this.#searchCountry(each, limit, found);
    return found;
  }

  /**
   * Sells a number. `heardOf` is false when the fault `loseSellAnswers` struck: the number is sold, and the
   * buyer must not be told.
   * @throws OperatorError
   */
  sell(
    virtualNumber: string,
    webhooks: Partial<NumberWebhooks>,
  ): { readonly held: NumberHeld; readonly heardOf: boolean } {
    const { clock, random, catalogue, records, faults, defaultWebhooks } = this.#options;
    if (faults.strikes('sellErrors')) {
      throw new OperatorError('OPERATOR_OUT_OF_ORDER', 'The sale failed and nothing was sold. Try again.');
    }
    const entry = catalogue.find(virtualNumber);
    if (!entry) throw new OperatorError('NUMBER_NOT_ON_SALE', 'The operator does not sell this number.');
    if (this.#isTaken(virtualNumber)) {
      throw new OperatorError('NUMBER_NOT_AVAILABLE', 'The number is not for sale any more.');
    }
    const held: NumberHeld = {
      numberId: createId('num', clock, random),
      virtualNumber,
      country: entry.country,
      ...defaultWebhooks,
      ...webhooks,
      provisionedAt: clock.now(),
    };
    records.insert(held);
    this.#held.set(virtualNumber, held);
    return { held, heardOf: !faults.strikes('loseSellAnswers') };
  }

  /** Points a held number's webhooks elsewhere, and returns it as it was. @throws OperatorError when it is not held */
  configure(virtualNumber: string, webhooks: Partial<NumberWebhooks>): NumberHeld {
    const before = this.#held.get(virtualNumber);
    if (!before) throw new OperatorError('NUMBER_NOT_HELD', 'The account does not hold this number.');
    const after: NumberHeld = { ...before, ...webhooks };
    this.#options.records.setWebhooks(virtualNumber, after);
    this.#held.set(virtualNumber, after);
    return before;
  }

  /** Takes a number back; it is on sale again at once. @throws OperatorError when it is not held */
  takeBack(virtualNumber: string): void {
    if (!this.#held.has(virtualNumber)) {
      throw new OperatorError('NUMBER_NOT_HELD', 'The account does not hold this number.');
    }
    this.#options.records.delete(virtualNumber);
    this.#held.delete(virtualNumber);
    const entry = this.#options.catalogue.find(virtualNumber);
    if (!entry) return;
    const first = this.#firstOnSale.get(entry.country) ?? 0;
    this.#firstOnSale.set(entry.country, Math.min(first, entry.place));
  }

  /** One page of the numbers held, ascending, after the number `cursor`. @throws OperatorError */
  list(
    cursor: string,
    limit: number,
  ): { readonly held: readonly NumberHeld[]; readonly nextCursor: string | null } {
    if (this.#options.faults.strikes('listErrors')) {
      throw new OperatorError('OPERATOR_OUT_OF_ORDER', 'The list cannot be given now. Try again.');
    }
    const page = this.#options.records.page(cursor, limit + 1);
    const held = page.slice(0, limit);
    return { held, nextCursor: page.length > limit ? (held.at(-1)?.virtualNumber ?? null) : null };
  }

  find(virtualNumber: string): NumberHeld | null {
    return this.#held.get(virtualNumber) ?? null;
  }

  /** Whether the number is one that could be bought, and that neither the account nor a phone has. */
  isUnsold(dialled: string): boolean {
    return this.#options.catalogue.find(dialled) !== null && !this.#isTaken(dialled);
  }

  /** Takes a number off sale because a phone has it. Does nothing for the account's own. */
  noticePhone(phone: string): void {
    if (!this.isUnsold(phone)) return;
    this.#phoneLines.add(phone);
    this.#options.records.insertPhoneLine(phone);
  }

  #isTaken(virtualNumber: string): boolean {
    return this.#held.has(virtualNumber) || this.#phoneLines.has(virtualNumber);
  }

  #searchCountry(country: string, limit: number, found: NumberOnSale[]): void {
    const { catalogue } = this.#options;
    const size = catalogue.size(country);
    let first = this.#firstOnSale.get(country) ?? 0;
    for (let place = first; place < size && found.length < limit; place++) {
      const virtualNumber = catalogue.at(country, place);
      if (virtualNumber === null) break;
      if (!this.#isTaken(virtualNumber)) found.push({ virtualNumber, country });
      else if (place === first) first = place + 1;
    }
    if (size > 0) this.#firstOnSale.set(country, first);
  }
}
