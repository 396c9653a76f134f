import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MasterKeySource, MasterKeyUnavailable } from './master-key-source.ts';

/** One who keeps a master key, and what can befall it. */
export interface MasterKeyBench {
  readonly source: MasterKeySource;
  /** the key that it keeps */
  readonly key: Uint8Array;
  /** what stands in its settings and answers, and may be in no error */
  readonly secrets: readonly string[];
  /** Makes it answer with this text instead of the key. */
  answer(text: string): Promise<void>;
  goDown(): Promise<void>;
  refuse(): Promise<void>;
  /** Makes it take longer than anybody waits. */
  hang(): Promise<void>;
  close(): Promise<void>;
}

/** What every source of a master key owes to the port. */
export function exerciseMasterKeySource(name: string, createBench: () => Promise<MasterKeyBench>): void {
  describe(`${name}: master key`, () => {
    let bench: MasterKeyBench;
    beforeEach(async () => {
      bench = await createBench();
    });
    afterEach(() => bench.close());

    const read = (signal = AbortSignal.timeout(5_000)) => bench.source.read(signal);

    async function refusal(signal?: AbortSignal): Promise<string> {
      const error: unknown = await read(signal).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(MasterKeyUnavailable);
      const { message, stack = '', cause } = error as Error;
      for (const secret of bench.secrets)
        expect(message + stack + JSON.stringify(cause ?? '')).not.toContain(secret);
      return message;
    }

    it('gives the key, each time the same', async () => {
      expect(Buffer.from(await read())).toEqual(Buffer.from(bench.key));
      expect(Buffer.from(await read())).toEqual(Buffer.from(bench.key));
    });

    it.each([
      ['nothing', ''],
      ['a word', 'hunter2hunter2hunter2'],
      ['31 bytes', Buffer.alloc(31, 9).toString('base64')],
      ['33 bytes', Buffer.alloc(33, 9).toString('base64')],
      ['a key and more', `${Buffer.alloc(32, 9).toString('base64')} and more`],
      ['hexadecimal', Buffer.alloc(32, 9).toString('hex')],
      ['more than fits', 'A'.repeat(1_000_000)],
    ])('takes %s for no key', async (_, text) => {
      await bench.answer(text);
      const message = await refusal();
      if (text !== '') expect(message).not.toContain(text);
    });

    it('says that it is down, that it refuses, and that it takes too long, and what to do', async () => {
      await bench.refuse();
      expect(await refusal()).toMatch(/Check|Run it by hand/);
      await bench.hang();
      expect(await refusal(AbortSignal.timeout(100))).toMatch(/answer/);
      await bench.goDown();
      expect(await refusal()).toMatch(/Check/);
    });
  });
}
