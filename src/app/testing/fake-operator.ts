import type { LegStatus } from '../../domain/call.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import {
  type NumberHeld,
  type NumberOnSale,
  type NumberSearch,
  type Provider,
  type ProviderCapabilities,
  ProviderError,
  type WebhookUrls,
} from '../../providers/provider.ts';
import type { App, ProviderAccount } from '../app.ts';
import { virtualNumber } from './world.ts';

type Fault = 'lose_answer' | ProviderError;

/** The number and call side of a provider, in memory, with faults; it answers no webhooks. */
export class FakeOperator implements Provider {
  capabilities: ProviderCapabilities = {
    answer: 'in_response',
    statusCallbacks: true,
    messages: true,
    messageRelay: 'in_response',
    recording: true,
    maxDuration: true,
    collectPin: true,
    attestation: true,
    rejectUnanswered: true,
    provisioning: 'immediate',
    authenticityFactors: ['signature', 'secret_path'],
  };
  /** what it says is held, and where the webhooks of each point */
  readonly held = new Map<VirtualNumber, unknown>();
  readonly ends = new Map<string, Extract<LegStatus, { status: 'ended' }>>();
  /** one for each request that is to come; when they are used up, nothing is wrong */
  readonly faults: (Fault | null)[] = [];
  /** every request meets it */
  broken: ProviderError | null = null;
  requests = 0;
  purchases = 0;
  readonly #onSale: VirtualNumber[];

  /** @param first the numbers on sale are `virtualNumber(first)` and so on */
  constructor(first: number, count: number) {
    this.#onSale = Array.from({ length: count }, (_, n) => virtualNumber(first + n));
  }

  async searchNumbers(search: NumberSearch): Promise<readonly NumberOnSale[]> {
    this.#meetFault();
    const free = this.#onSale.filter((number) => !this.held.has(number));
    return free.slice(0, search.limit).map((number) => toOnSale(number));
  }

  async provisionNumber(wanted: VirtualNumber, urls: WebhookUrls): Promise<NumberHeld> {
    const fault = this.#nextFault();
    if (fault instanceof ProviderError) throw fault;
    if (this.held.has(wanted)) throw new ProviderError('number_not_available', 'Somebody has it.');
    this.held.set(wanted, urls);
    this.purchases++;
    if (fault === 'lose_answer') throw new ProviderError('unavailable', 'The answer was lost.');
    return toHeld(wanted);
  }

  async readWebhooks({ virtualNumber: number }: NumberHeld): Promise<unknown> {
    this.#meetFault();
    return this.held.get(number);
  }

  async configureNumber(
    { virtualNumber: number }: NumberHeld,
    change: { readonly urls: WebhookUrls } | { readonly restore: unknown },
  ): Promise<unknown> {
    this.#meetFault();
    const before = this.held.get(number);
    this.held.set(number, 'urls' in change ? change.urls : change.restore);
    return before;
  }

  async decommissionNumber({ virtualNumber: number }: NumberHeld): Promise<void> {
    const fault = this.#nextFault();
    if (fault instanceof ProviderError) throw fault;
    this.held.delete(number);
    if (fault === 'lose_answer') throw new ProviderError('unavailable', 'The answer was lost.');
  }

  async listNumbers(): Promise<readonly NumberHeld[]> {
    this.#meetFault();
    return [...this.held.keys()].map(toHeld);
  }

  async fetchCallEnd(providerCallId: string): Promise<Extract<LegStatus, { status: 'ended' }> | null> {
    this.#meetFault();
    return this.ends.get(providerCallId) ?? null;
  }

  isAuthentic(): boolean {
    return false;
  }

  parseWebhook(): never {
    throw new Error('Nobody calls here.');
  }

  renderCall(): never {
    throw new Error('Nobody calls here.');
  }

  renderMessage(): never {
    throw new Error('Nobody writes here.');
  }

  renderAcknowledgement(): never {
    throw new Error('Nobody reports here.');
  }

  #meetFault(): void {
    const fault = this.#nextFault();
    if (fault instanceof ProviderError) throw fault;
    if (fault === 'lose_answer') throw new ProviderError('unavailable', 'The answer was lost.');
  }

  #nextFault(): Fault | null {
    this.requests++;
    return this.broken ?? this.faults.shift() ?? null;
  }
}

/** An account of that name at the operator. */
export function accountAt(
  provider: Provider,
  name: string,
  tenant = 'default',
): (app: App) => ProviderAccount {
  return () => ({
    tenant,
    id: `acc_${name}_${tenant}`,
    name,
    pathSecret: 'path-secret',
    webhookBase: `https://vn.example.com/webhooks/${name}`,
    provider,
  });
}

function toOnSale(number: VirtualNumber): NumberOnSale {
  return { virtualNumber: number, capabilities: ['voice', 'sms'] };
}

function toHeld(number: VirtualNumber): NumberHeld {
  return { ...toOnSale(number), providerNumberId: `id-${number}` };
}
