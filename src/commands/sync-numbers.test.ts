import { afterEach, expect, it, vi } from 'vitest';
import { FakeOperator, accountAt } from '../app/testing/fake-operator.ts';
import { createWorld, TENANT, virtualNumber } from '../app/testing/world.ts';
import type { NumberHeld } from '../providers/provider.ts';
import { syncNumbers } from './sync-numbers.ts';
import { createTerminal } from './testing/terminal.ts';

afterEach(() => vi.restoreAllMocks());

/** An operator whose list takes until somebody says so. */
class SlowOperator extends FakeOperator {
  readonly asked = Promise.withResolvers<void>();
  readonly answered = Promise.withResolvers<void>();

  override async listNumbers(): Promise<readonly NumberHeld[]> {
    this.asked.resolve();
    await this.answered.promise;
    return super.listNumbers();
  }
}

async function createTown() {
  const operator = new SlowOperator(0, 300);
  const { app, clock } = await createWorld({ numbers: 0, account: accountAt(operator, 'first') });
  const account = await app.providerAccounts.byName(TENANT, 'first');
  if (!account) throw new Error('The test has no account.');
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  return { app, clock, operator, account, printed: () => printed };
}

it('shows at a terminal what it waits for, and takes that away before it says what differs', async () => {
  const { app, operator, account, printed } = await createTown();
  operator.held.set(virtualNumber(7), {});
  const { terminal, drawn } = createTerminal();
  const syncing = syncNumbers(app, account, {}, terminal);
  await operator.asked.promise;
  await vi.waitFor(() => expect(drawn()).toMatch(/[░█].* Asking first for its numbers, \d+ s/u));
  expect(printed()).toBe('');
  operator.answered.resolve();
  await syncing;
  expect(printed()).toBe(`${virtualNumber(7)}  at the provider, in no pool\nAdopted 0, withdrew 0.\n`);
});

it('draws nothing where there is no terminal', async () => {
  const { app, operator, account, printed } = await createTown();
  const { terminal, drawn } = createTerminal();
  operator.answered.resolve();
  await syncNumbers(app, account, { dryRun: true, repoint: true }, Object.assign(terminal, { isTTY: false }));
  expect(drawn()).toBe('');
  expect(printed()).toContain('Adopted 0, withdrew 0.\nNothing was changed.\n');
});
