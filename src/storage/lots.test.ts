import { describe, expect, test } from 'vitest';
import { Lots, type LotsOptions } from './lots.ts';
import { StorageError } from './storage-error.ts';

interface Held {
  readonly tenant: string;
  readonly questions: readonly string[];
  answer(): void;
  fail(error: unknown): void;
}

/** A question is a text; its letters before `:` are its names, what stands after it its kind. */
function setUp(change: Partial<LotsOptions<string, string>> = {}) {
  const sent: Held[] = [];
  const alone: string[] = [];
  const lots = new Lots<string, string>({
    together: (tenant, questions) =>
      new Promise((resolve, reject) => {
        const answer = () => resolve(questions.map((question) => `${tenant} ${question}`));
        sent.push({ tenant, questions, answer, fail: reject });
      }),
    alone: async (tenant, question) => {
      alone.push(question);
      if (question.startsWith('bad')) throw new StorageError('constraint', question);
      return `${tenant} ${question} alone`;
    },
    names: (question) => [...(question.split(':')[0] ?? '')],
    kind: (question) => question.split(':')[1] ?? '',
    sizeMaximum: 3,
    concurrency: 2,
    waitingMaximum: 8,
    ...change,
  });
  const ask = (...questions: string[]) => questions.map((question) => lots.ask('acme', question));
  return { lots, ask, sent, alone };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const lotsOf = (sent: readonly Held[]) => sent.map(({ questions }) => questions.join(' '));

describe('questions', () => {
  test('of one turn go together, in their order, and each gets its own answer', async () => {
    const { ask, sent } = setUp();
    const answers = ask('a', 'b', 'c');
    expect(sent).toEqual([]);
    await turn();
    expect(lotsOf(sent)).toEqual(['a b c']);
    sent[0]?.answer();
    expect(await Promise.all(answers)).toEqual(['acme a', 'acme b', 'acme c']);
  });

  test('that come alone are asked alone, in the same turn', async () => {
    const { ask, sent } = setUp();
    const [answer] = ask('a');
    await turn();
    expect(await answer).toBe('acme a alone');
    expect(sent).toEqual([]);
  });

  test('that are too many for a lot, or come while lots are under way, wait and go together', async () => {
    const { ask, sent } = setUp();
    ask('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    await turn();
    expect(lotsOf(sent)).toEqual(['a b c', 'd e f']);
    ask('i');
    await turn();
    expect(sent).toHaveLength(2);
    sent[1]?.answer();
    await turn();
    expect(lotsOf(sent)).toEqual(['a b c', 'd e f', 'g h i']);
  });

  test('that have a name in common are asked one after the other, in their order', async () => {
    const { ask, sent } = setUp({ concurrency: 4, sizeMaximum: 10 });
    ask('ab', 'bc', 'c', 'd', 'a');
    await turn();
    expect(lotsOf(sent)).toEqual(['ab d']);
    sent[0]?.answer();
    await turn();
    // `c` came after `bc`, so it does not overtake it.
    expect(lotsOf(sent)).toEqual(['ab d', 'bc a']);
  });

  test('of different kinds are in different lots', async () => {
    const { ask, sent } = setUp();
    ask('a:1', 'b:2', 'c:1', 'd:2');
    await turn();
    expect(lotsOf(sent)).toEqual(['a:1 c:1', 'b:2 d:2']);
  });

  test('of different tenants are in different lots, and do not wait for each other', async () => {
    const { lots, sent } = setUp({ concurrency: 1 });
    for (const tenant of ['acme', 'globex']) for (const name of ['a', 'b']) void lots.ask(tenant, name);
    await turn();
    expect(sent.map(({ tenant, questions }) => [tenant, ...questions])).toEqual([
      ['acme', 'a', 'b'],
      ['globex', 'a', 'b'],
    ]);
  });

  test('beyond those that may wait are refused at once, of that tenant alone', async () => {
    const { lots, ask } = setUp();
    ask('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    await expect(lots.ask('acme', 'i')).rejects.toMatchObject({ code: 'unavailable' });
    const other = lots.ask('globex', 'i');
    await turn();
    expect(await other).toBe('globex i alone');
  });
});

describe('a lot that fails', () => {
  test('because of one of its questions is asked again one by one, and only that one fails', async () => {
    const { ask, sent, alone } = setUp();
    const answers = ask('x', 'bad', 'c').map((answer) => answer.catch((error: StorageError) => error.code));
    await turn();
    sent[0]?.fail(new StorageError('constraint', 'one of them'));
    expect(await Promise.all(answers)).toEqual(['acme x alone', 'constraint', 'acme c alone']);
    expect(alone.sort()).toEqual(['bad', 'c', 'x']);
  });

  test.each(['unavailable', 'commit_unknown', 'timeout', 'full'] as const)(
    'because the database does not answer (%s) fails, and nothing is asked twice',
    async (code) => {
      const { ask, sent, alone } = setUp();
      const answers = ask('a', 'b').map((answer) => answer.catch((error: StorageError) => error.code));
      await turn();
      sent[0]?.fail(new StorageError(code, 'gone'));
      expect(await Promise.all(answers)).toEqual([code, code]);
      expect(alone).toEqual([]);
    },
  );

  test('makes room for the next', async () => {
    const { ask, sent } = setUp({ concurrency: 1 });
    const answers = ask('a', 'b').map((answer) => answer.catch(() => 'failed'));
    await turn();
    ask('c', 'd');
    sent[0]?.fail(new StorageError('timeout', 'slow'));
    await Promise.all(answers);
    await turn();
    expect(lotsOf(sent)).toEqual(['a b', 'c d']);
  });
});
