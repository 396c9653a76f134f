import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/lib/manual-clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { Faults } from './faults.ts';
import { NumberCatalogue } from './number-catalogue.ts';
import { createNumberRecords } from './number-records.ts';
import { NumberStock } from './number-stock.ts';
import { openStateDatabase } from './state-database.ts';

function createBench() {
  const random = seededRandom(3);
  const faults = new Faults(random);
  const records = createNumberRecords(openStateDatabase(null));
  const open = (): NumberStock =>
    new NumberStock({
      clock: new ManualClock(),
      random,
      faults,
      records,
      catalogue: new NumberCatalogue(),
      defaultWebhooks: { answerUrl: 'http://a', statusUrl: 'http://s', messageUrl: 'http://m' },
    });
  return { faults, stock: open(), open };
}

const numbers = (found: readonly { readonly virtualNumber: string }[]): string[] =>
  found.map((each) => each.virtualNumber);

describe('NumberStock', () => {
  it('offers what is not sold, in the United States first', () => {
    const { stock } = createBench();
    const [first, second, third] = numbers(stock.search(null, 3));
    expect([first, second, third]).toEqual(['+12035550100', '+12035550101', '+12035550102']);
    stock.sell(second ?? '', {});
    expect(numbers(stock.search('US', 2))).toEqual([first, third]);
    expect(numbers(stock.search('GB', 1))).toEqual(['+441134960000']);
    expect(stock.search('ZZ', 10)).toEqual([]);
  });

  it('goes on to the next country when one is sold out and none was asked for', () => {
    const { stock } = createBench();
    for (const each of stock.search('US', 100_000)) stock.sell(each.virtualNumber, {});
    expect(stock.search('US', 1)).toEqual([]);
    expect(stock.search(null, 1)).toEqual([{ virtualNumber: '+441134960000', country: 'GB' }]);
  });

  it('sells each number once, and only numbers of the catalogue', () => {
    const { stock } = createBench();
    stock.sell('+12035550100', { answerUrl: 'http://other' });
    expect(stock.find('+12035550100')).toMatchObject({ answerUrl: 'http://other', statusUrl: 'http://s' });
    expect(() => stock.sell('+12035550100', {})).toThrow(
      expect.objectContaining({ code: 'NUMBER_NOT_AVAILABLE' }),
    );
    expect(() => stock.sell('+12025550100', {})).toThrow(
      expect.objectContaining({ code: 'NUMBER_NOT_ON_SALE' }),
    );
  });

  it('takes a number back and offers it again', () => {
    const { stock } = createBench();
    const bought = numbers(stock.search('US', 3));
    for (const each of bought) stock.sell(each, {});
    expect(numbers(stock.search('US', 1))).toEqual(['+12035550103']);
    stock.takeBack('+12035550101');
    expect(numbers(stock.search('US', 2))).toEqual(['+12035550101', '+12035550103']);
    expect(() => stock.takeBack('+12035550101')).toThrow(
      expect.objectContaining({ code: 'NUMBER_NOT_HELD' }),
    );
  });

  it('does not sell what a phone has, also after a restart', () => {
    const { stock, open } = createBench();
    stock.noticePhone('+12035550100');
    expect(numbers(stock.search('US', 1))).toEqual(['+12035550101']);
    expect(() => open().sell('+12035550100', {})).toThrow(
      expect.objectContaining({ code: 'NUMBER_NOT_AVAILABLE' }),
    );
    expect(stock.isUnsold('+12035550100')).toBe(false);
    expect(stock.isUnsold('+12035550101')).toBe(true);
  });

  it('lists every number held over any number of pages', () => {
    const { stock } = createBench();
    const bought = numbers(stock.search('US', 25));
    for (const each of bought) stock.sell(each, {});
    const listed: string[] = [];
    let cursor: string | null = '';
    let pages = 0;
    while (cursor !== null) {
      const page: ReturnType<NumberStock['list']> = stock.list(cursor, 10);
      listed.push(...numbers(page.held));
      cursor = page.nextCursor;
      pages++;
    }
    expect(pages).toBe(3);
    expect(listed).toEqual([...bought].sort());
  });

  it('fails to sell, or sells without saying so, when it is told to', () => {
    const { stock, faults } = createBench();
    faults.replace({ sellErrors: 1 });
    expect(() => stock.sell('+12035550100', {})).toThrow(
      expect.objectContaining({ code: 'OPERATOR_OUT_OF_ORDER' }),
    );
    expect(stock.find('+12035550100')).toBeNull();
    faults.replace({ loseSellAnswers: 1, listErrors: 1 });
    expect(stock.sell('+12035550100', {}).heardOf).toBe(false);
    expect(stock.find('+12035550100')).not.toBeNull();
    expect(() => stock.list('', 1)).toThrow(expect.objectContaining({ code: 'OPERATOR_OUT_OF_ORDER' }));
    faults.replace({});
    expect(stock.list('', 1).held).toHaveLength(1);
  });
});
