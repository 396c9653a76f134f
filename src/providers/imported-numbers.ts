import type { VirtualNumber } from '../domain/virtual-number.ts';
import { type NumberHeld, type NumberOnSale, ProviderError } from './provider.ts';

/**
 * The number side of a switch or trunk that sells nothing: its numbers come from a carrier's contract and are
 * imported. Nothing is listed, because the switch cannot say what it holds.
 */
export class ImportedNumbers {
  readonly #what: string;

  /** @param what who cannot sell numbers, for the error: `A SIP trunk` */
  constructor(what: string) {
    this.#what = what;
  }

  async searchNumbers(): Promise<readonly NumberOnSale[]> {
    throw this.#refusal();
  }

  async provisionNumber(_virtualNumber: VirtualNumber): Promise<NumberHeld> {
    throw this.#refusal();
  }

  /** There is nobody to give it back to: the carrier's contract ends outside Maskline. */
  async decommissionNumber(): Promise<void> {}

  /** The switch's own configuration says whom it asks. */
  async readWebhooks(): Promise<null> {
    return null;
  }

  async configureNumber(): Promise<null> {
    return null;
  }

  async listNumbers(): Promise<readonly NumberHeld[]> {
    return [];
  }

  #refusal(): ProviderError {
    return new ProviderError(
      'refused',
      `${this.#what} sells no numbers. Import those of your carrier with POST /v1/virtual-numbers.`,
    );
  }
}
