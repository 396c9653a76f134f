import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { exerciseProvider } from '../conformance.ts';
import { CREDENTIALS, createPlivoBench, type PlivoBench } from './testing/plivo-bench.ts';
import { createPlivoProvider } from './plivo-provider.ts';

exerciseProvider('plivo', () => createPlivoBench());

const URLS = {
  answer: 'https://vn.example.com/hooks/answer',
  status: 'https://vn.example.com/hooks/status',
  message: 'https://vn.example.com/hooks/message',
};

describe('numbers at Plivo', () => {
  let b: PlivoBench;
  const { signal } = new AbortController();
  beforeEach(async () => {
    b = await createPlivoBench({ complianceApplicationId: 'compliance-1' });
  });
  afterEach(() => b.close());

  const onSale = async () => {
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'nothing is on sale');
    return found.virtualNumber;
  };

  it('makes one application for all numbers that ask at the same place', async () => {
    for (let i = 0; i < 3; i++) await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect(b.plivo.applications).toHaveLength(1);
    expect(b.plivo.applications[0]?.app_name).toMatch(/^maskline-[0-9a-f]{16}$/);
    // Another instance finds it among many.
    for (let i = 0; i < 30; i++) {
      b.plivo.applications.unshift({
        ...structuredClone(b.plivo.applications[0]),
        app_id: `${i}`,
        app_name: `x${i}`,
        answer_url: `https://x/${i}`,
      } as never);
    }
    const account = { settings: { apiUrl: `${b.operator.gateway.url}/v1` }, credentials: CREDENTIALS };
    await createPlivoProvider(account, { clock: b.clock }).provisionNumber(await onSale(), URLS, signal);
    expect(b.plivo.applications).toHaveLength(31);
    expect(new Set([...b.plivo.held.keys()].map((each) => b.plivo.urlsOf(each).answer))).toEqual(
      new Set([URLS.answer]),
    );
  });

  it('uses the application that another instance made at the same moment', async () => {
    const account = { settings: { apiUrl: `${b.operator.gateway.url}/v1` }, credentials: CREDENTIALS };
    const other = createPlivoProvider(account, { clock: b.clock });
    const numbers = (await b.provider.searchNumbers({ country: 'US', limit: 2 }, signal)).map(
      (each) => each.virtualNumber,
    );
    const bought = await Promise.all(
      numbers.map((each, i) => (i === 0 ? other : b.provider).provisionNumber(each, URLS, signal)),
    );
    expect(bought).toHaveLength(2);
    expect(b.plivo.applications).toHaveLength(1);
  });

  it('makes it anew when somebody has deleted it', async () => {
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    b.plivo.applications.length = 0;
    const wanted = await onSale();
    await expect(b.provider.provisionNumber(wanted, URLS, signal)).rejects.toMatchObject({ code: 'refused' });
    await b.provider.provisionNumber(wanted, URLS, signal);
    expect(b.plivo.applications).toHaveLength(1);
  });

  it('sends the compliance application, and the fallback that Plivo asks when we are away', async () => {
    await b.close();
    b = await createPlivoBench({
      complianceApplicationId: 'c-1',
      fallbackAnswerUrl: 'https://static.example/neutral.xml',
    });
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect(b.plivo.applications[0]).toMatchObject({
      fallback_answer_url: 'https://static.example/neutral.xml',
    });
    const purchase = b.operator.gateway.requests.find((each) => each.path.includes('/PhoneNumber/1'));
    expect(JSON.parse(purchase?.body ?? '')).toMatchObject({ compliance_application_id: 'c-1' });
  });

  it('waits for its list when a purchase is pending, and links a number that was linked elsewhere', async () => {
    b.plivo.purchaseStatus = 'pending';
    await expect(b.provider.provisionNumber(await onSale(), URLS, signal)).rejects.toMatchObject({
      code: 'unavailable',
    });
    b.plivo.purchaseStatus = 'fulfilled';
    b.plivo.ignoresApplication = true;
    const held = await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
  });

  it('says that the number may be bought when the step after the purchase fails', async () => {
    const wanted = await onSale();
    b.operator.gateway.disturb({
      kind: 'lost_answer',
      only: ({ method, path }) => method === 'GET' && path.includes('/Number/'),
    });
    await expect(b.provider.provisionNumber(wanted, URLS, signal)).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await b.provider.listNumbers(signal)).toMatchObject([{ virtualNumber: wanted }]);
    expect((await b.operator.held()).get(wanted)).toEqual(URLS);
  });

  it('takes a number off every application when it had none before', async () => {
    await b.operator.sell(1);
    const [held] = await b.provider.listNumbers(signal);
    invariant(held, 'no number is held');
    const before = await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect(before).toEqual({ applicationId: null });
    await b.provider.configureNumber(held, { restore: before }, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual({
      answer: '',
      status: '',
      message: '',
    });
    for (const restore of [null, {}, { applicationId: 'x' }]) {
      await expect(b.provider.configureNumber(held, { restore }, signal)).rejects.toMatchObject({
        code: 'malformed',
      });
    }
  });

  it('does not take half a list for a whole one when numbers go away meanwhile', async () => {
    await b.operator.sell(45);
    b.operator.gateway.disturb({ kind: 'none' });
    const [first] = b.plivo.held.keys();
    b.operator.gateway.disturb({
      kind: 'none',
      only: () => {
        b.plivo.held.delete(first ?? '');
        return true;
      },
    });
    const listing = b.provider.listNumbers(signal);
    // One of 45 has gone, and with it the 21st has slipped to the page that was read already.
    const listed = await listing.catch((error: unknown) => error);
    expect(listed).toMatchObject({ code: 'unavailable' });
  });

  it('uses no application that asks elsewhere, or otherwise', async () => {
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    const [application] = b.plivo.applications;
    invariant(application, 'there is no application');
    const others = [
      { answer_url: 'https://x/' },
      { answer_method: 'GET' },
      { hangup_url: 'https://x/' },
      { message_url: 'https://x/' },
    ];
    b.plivo.applications.length = 0;
    others.forEach((other, i) => {
      b.plivo.applications.push({ ...application, ...(other as object), app_id: `${i}`, app_name: `x${i}` });
    });
    const account = { settings: { apiUrl: `${b.operator.gateway.url}/v1` }, credentials: CREDENTIALS };
    const held = await createPlivoProvider(account, { clock: b.clock }).provisionNumber(
      await onSale(),
      URLS,
      signal,
    );
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
    expect(b.plivo.applications).toHaveLength(5);
  });

  it('does not take the 404 of a stranger for a number that has gone', async () => {
    const held = await b.provider.provisionNumber(await onSale(), URLS, signal);
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body: '<h1>Not here</h1>' } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
  });

  it('repeats nothing of what Plivo says of a refusal', async () => {
    const wanted = await onSale();
    const body = JSON.stringify({ api_id: 'x', error: `${wanted} is barred for +12025550123` });
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 403, body } });
    const error: unknown = await b.provider
      .provisionNumber(wanted, URLS, signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'refused' });
    expect(inspect(error, { depth: 9 })).not.toMatch(/[0-9]{7,}/);
  });

  it('fetches the end of a call from the record of the callee’s leg', async () => {
    const record = {
      answer_time: '2026-01-01 10:00:00+05:30',
      bill_duration: 61,
      call_uuid: 'b-leg',
      end_time: '2026-01-01 05:31:01+05:30',
      from_number: '12155550150',
      hangup_cause_code: 4000,
      hangup_cause_name: 'Normal Hangup',
      hangup_source: 'Callee',
      parent_call_uuid: 'a-leg',
      to_number: '12025550123',
    };
    b.plivo.callRecords.set('a-leg', [record]).set('live', [{ ...record, end_time: null }]);
    b.plivo.callRecords.set('unanswered', [{ ...record, bill_duration: 0, hangup_cause_name: 'Busy Line' }]);
    expect(await b.provider.fetchCallEnd('a-leg', signal)).toEqual({
      status: 'ended',
      at: Date.UTC(2026, 0, 1, 0, 1, 1),
      termination: 'completed',
      durationSeconds: 61,
      nativeCause: 'Normal Hangup',
    });
    expect(await b.provider.fetchCallEnd('unanswered', signal)).toMatchObject({ termination: 'busy' });
    expect(await b.provider.fetchCallEnd('live', signal)).toBeNull();
    expect(await b.provider.fetchCallEnd('unknown', signal)).toBeNull();
  });
});

describe('createPlivoProvider', () => {
  const { authToken, ...incomplete } = CREDENTIALS;
  it.each([
    ['no token', {}, incomplete, 'authToken'],
    ['a short token', {}, { ...CREDENTIALS, authToken: 'hush' }, 'authToken'],
    ['an id that is none', {}, { ...CREDENTIALS, authId: 'hush' }, 'authId'],
    ['a misspelt credential', {}, { ...CREDENTIALS, authtoken: 'hush' }, 'additional'],
    ['an address with a password in it', { apiUrl: 'https://me:hush@host' }, CREDENTIALS, 'apiUrl'],
    ['a fallback over plain HTTP', { fallbackAnswerUrl: 'http://hush' }, CREDENTIALS, 'fallbackAnswerUrl'],
    ['a misspelt setting', { apiURL: 'hush' }, CREDENTIALS, 'additional'],
    ['nothing', null, null, 'credentials'],
  ])(
    'refuses to be made with %s, and says why without saying what',
    async (_, settings, credentials, why) => {
      const { ManualClock } = await import('../../lib/manual-clock.ts');
      const make = (): unknown =>
        createPlivoProvider({ settings, credentials }, { clock: new ManualClock() });
      expect(make).toThrow(why);
      expect(make).not.toThrow('hush');
      expect(make).not.toThrow(authToken);
    },
  );

  it('is made without settings', async () => {
    const { ManualClock } = await import('../../lib/manual-clock.ts');
    const account = { settings: undefined, credentials: CREDENTIALS };
    expect(createPlivoProvider(account, { clock: new ManualClock() }).capabilities.answer).toBe(
      'in_response',
    );
    expect(toVirtualNumber('+12025550123')).not.toBeNull();
  });
});
