import { describe, expect, it } from 'vitest';
import { SendOnce } from './send-once.ts';

describe('SendOnce', () => {
  it('sends once, also while the first is under way, and again after a failure', async () => {
    const once = new SendOnce();
    const sent: string[] = [];
    let fails = true;
    const send = (key: string) => () => {
      sent.push(key);
      return fails ? Promise.reject(new Error('no answer')) : Promise.resolve();
    };
    const both = await Promise.allSettled([once.run('a', send('a')), once.run('a', send('a'))]);
    expect(both.map((each) => each.status)).toEqual(['rejected', 'rejected']);
    fails = false;
    await Promise.all([once.run('a', send('a')), once.run('a', send('a')), once.run('b', send('b'))]);
    await once.run('a', send('a'));
    expect(sent).toEqual(['a', 'a', 'b']);
  });

  it('forgets the oldest beyond its limit', async () => {
    const once = new SendOnce();
    let sent = 0;
    const send = () => {
      sent++;
      return Promise.resolve();
    };
    for (let i = 0; i <= 10_000; i++) await once.run(String(i), send);
    await once.run('10000', send);
    expect(sent).toBe(10_001);
    await once.run('0', send);
    expect(sent).toBe(10_002);
  });
});
