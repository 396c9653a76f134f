import type { ProviderBench } from './conformance-bench.ts';
import { exerciseInstructions } from './conformance-instructions.ts';
import { exerciseNumbers } from './conformance-numbers.ts';
import { exercisePrivacy } from './conformance-privacy.ts';
import { exerciseStock } from './conformance-stock.ts';
import { exerciseWebhooks } from './conformance-webhooks.ts';

/** What every adapter owes to the port, as a Vitest suite: call it from the adapter's own test file. */
export function exerciseProvider(name: string, createBench: () => Promise<ProviderBench>): void {
  exerciseWebhooks(name, createBench);
  exercisePrivacy(name, createBench);
  exerciseInstructions(name, createBench);
  exerciseNumbers(name, createBench);
  exerciseStock(name, createBench);
}
