import { inspect } from 'node:util';
import Telnyx from 'telnyx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { exerciseProvider } from '../conformance.ts';
import { CREDENTIALS, createTelnyxBench, SETTINGS, type TelnyxBench } from './testing/telnyx-bench.ts';
import { API_KEY } from './testing/telnyx-operator.ts';
import { createTelnyxProvider } from './telnyx-provider.ts';

exerciseProvider('telnyx', () => createTelnyxBench());

const URLS = {
  answer: 'https://vn.example.com/hooks/answer',
  status: 'https://vn.example.com/hooks/status',
  message: 'https://vn.example.com/hooks/message',
};

describe('numbers at Telnyx', () => {
  let b: TelnyxBench;
  const { signal } = new AbortController();
  beforeEach(async () => {
    b = await createTelnyxBench({ requirementGroupId: 'group-1', messageCountries: ['US'] });
  });
  afterEach(() => b.close());

  const onSale = async () => {
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'nothing is on sale');
    return found.virtualNumber;
  };

  it('makes one application and one messaging profile for all numbers that ask at the same place', async () => {
    for (let i = 0; i < 3; i++) await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect([b.telnyx.applications.length, b.telnyx.profiles.length]).toEqual([1, 1]);
    expect(b.telnyx.profiles[0]?.whitelisted_destinations).toEqual(['US']);
    expect(b.telnyx.orders[0]?.body.phone_numbers[0]?.requirement_group_id).toBe('group-1');
    const settings = { ...SETTINGS, apiUrl: `${b.operator.gateway.url}/v2/` };
    const another = createTelnyxProvider({ settings, credentials: CREDENTIALS }, { clock: b.clock });
    await another.provisionNumber(await onSale(), URLS, signal);
    expect([b.telnyx.applications.length, b.telnyx.profiles.length]).toEqual([1, 1]);
  });

  it('makes them anew when somebody has deleted them', async () => {
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    b.telnyx.applications.length = 0;
    const wanted = await onSale();
    await expect(b.provider.provisionNumber(wanted, URLS, signal)).rejects.toMatchObject({ code: 'refused' });
    await b.provider.provisionNumber(wanted, URLS, signal);
    expect(b.telnyx.applications).toHaveLength(1);
  });

  /** Lets the next look at an order happen, as soon as the adapter waits for it. */
  const look = async () => {
    const arrived = b.operator.gateway.arrival();
    let there = false;
    void arrived.then(() => {
      there = true;
    });
    while (!there) {
      b.clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('waits for an order that takes its time', async () => {
    b.telnyx.pendingLooks = 3;
    const wanted = await onSale();
    const buying = b.provider.provisionNumber(wanted, URLS, signal);
    let bought = false;
    void buying.then(() => {
      bought = true;
    });
    while (!bought) await Promise.race([look(), buying]);
    expect(await buying).toMatchObject({ virtualNumber: wanted, capabilities: ['voice', 'sms'] });
    expect(b.telnyx.orders[0]?.looks).toBe(3);
  });

  it('leaves an order that takes too long to whoever reads the list', async () => {
    b.telnyx.pendingLooks = 1_000;
    const leaving = new AbortController();
    const wanted = await onSale();
    const buying = b.provider.provisionNumber(wanted, URLS, leaving.signal).catch((error: unknown) => error);
    while (b.telnyx.orders.length === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    expect(await buying).toMatchObject({ code: 'unavailable' });
    b.telnyx.hold(wanted, { connection_id: '', messaging_profile_id: '' });
    const [held] = await b.provider.listNumbers(signal);
    invariant(held, 'the number is not held');
    await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect((await b.operator.held()).get(wanted)).toEqual(URLS);
  });

  it('chooses another number when an order fails, and links one that was not', async () => {
    b.telnyx.orderOutcome = 'failure';
    await expect(b.provider.provisionNumber(await onSale(), URLS, signal)).rejects.toMatchObject({
      code: 'number_not_available',
    });
    b.telnyx.orderOutcome = 'success';
    b.telnyx.ignoresLinks = true;
    const held = await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
  });

  it('does not take a refusal after the purchase for a refusal of it', async () => {
    b.operator.gateway.disturb({
      kind: 'answer',
      answer: { status: 422, body: '{"errors":[{"code":"10015","title":"x","detail":"+12025550123"}]}' },
      only: ({ path }) => path.startsWith('/v2/phone_numbers?'),
    });
    const wanted = await onSale();
    const error: unknown = await b.provider
      .provisionNumber(wanted, URLS, signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(inspect(error, { depth: 9 })).not.toMatch(/[0-9]{7,}/);
    expect(await b.provider.listNumbers(signal)).toMatchObject([{ virtualNumber: wanted }]);
  });

  it('puts back that a number was linked to nothing', async () => {
    await b.operator.sell(1);
    const [held] = await b.provider.listNumbers(signal);
    invariant(held, 'no number is held');
    const before = await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect(before).toEqual({ connectionId: '', messagingProfileId: '' });
    await b.provider.configureNumber(held, { restore: before }, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual({
      answer: '',
      status: '',
      message: '',
    });
    for (const restore of [null, {}, { connectionId: 7, messagingProfileId: '' }]) {
      await expect(b.provider.configureNumber(held, { restore }, signal)).rejects.toMatchObject({
        code: 'malformed',
      });
    }
  });

  it('counts only numbers that are ours by now and still', async () => {
    await b.operator.sell(4);
    [...b.telnyx.held.values()].forEach((each, i) => {
      each.status = ['purchase-pending', 'active', 'deleted', 'ported-out'][i] ?? '';
    });
    const [, active] = b.telnyx.held.keys();
    expect((await b.provider.listNumbers(signal)).map((each) => each.virtualNumber)).toEqual([active]);
  });

  it('uses no application or profile that asks elsewhere, or otherwise', async () => {
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    const [application] = b.telnyx.applications.splice(0);
    const [profile] = b.telnyx.profiles.splice(0);
    invariant(application && profile, 'nothing was made');
    for (const other of [
      { voice_url: 'https://x/' },
      { voice_method: 'get' },
      { status_callback: 'https://x/' },
    ]) {
      const id = `x${b.telnyx.applications.length}`;
      b.telnyx.applications.push({ ...application, ...(other as object), id });
    }
    for (const other of [{ webhook_url: 'https://x/' }, { webhook_api_version: '1' }]) {
      b.telnyx.profiles.push({ ...profile, ...(other as object), id: `x${b.telnyx.profiles.length}` });
    }
    const settings = { ...SETTINGS, apiUrl: `${b.operator.gateway.url}/v2` };
    const another = createTelnyxProvider({ settings, credentials: CREDENTIALS }, { clock: b.clock });
    const held = await another.provisionNumber(await onSale(), URLS, signal);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
    expect([b.telnyx.applications.length, b.telnyx.profiles.length]).toEqual([4, 3]);
  });

  it('does not take the 404 of a stranger for a number that has gone', async () => {
    const held = await b.provider.provisionNumber(await onSale(), URLS, signal);
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 404, body: '<h1>Not here</h1>' } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
  });

  it('does not take half a list for a whole one when numbers go away meanwhile', async () => {
    await b.operator.sell(530);
    b.operator.gateway.disturb({ kind: 'none' });
    b.operator.gateway.disturb({
      kind: 'none',
      only: () => b.telnyx.held.delete([...b.telnyx.held.keys()][0] ?? ''),
    });
    await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('asks as the vendor’s SDK does', async () => {
    const sdk = new Telnyx({ apiKey: API_KEY, baseURL: `${b.operator.gateway.url}/v2`, maxRetries: 0 });
    const seen = () =>
      b.operator.gateway.requests.splice(0).map(({ method, path, body, headers }) => {
        const { pathname, searchParams } = new URL(path, 'http://operator');
        const query = Object.fromEntries(searchParams);
        return {
          method,
          pathname,
          query,
          body: body && JSON.parse(body),
          authorization: headers.authorization,
        };
      });
    const wanted = await onSale();
    const held = await b.provider.provisionNumber(wanted, URLS, signal);
    await b.provider.configureNumber(held, { restore: { connectionId: '', messagingProfileId: '' } }, signal);
    await b.provider.listNumbers(signal);
    await b.provider.decommissionNumber(held, signal);
    const ours = seen();

    const [application] = b.telnyx.applications.splice(0);
    const [profile] = b.telnyx.profiles.splice(0);
    invariant(application && profile, 'nothing was made');
    b.telnyx.onSale.unshift(wanted);
    const id = held.providerNumberId;
    const pages = { 'page[number]': 1, 'page[size]': 250 };
    const filter = { country_code: 'US', features: ['voice' as const], limit: 1 };
    await sdk.availablePhoneNumbers.list({ filter });
    await sdk.texmlApplications.list(pages);
    const { id: _, ...applicationBody } = application;
    await sdk.texmlApplications.create(applicationBody);
    await sdk.messagingProfiles.list(pages);
    const { id: __, ...profileBody } = profile;
    await sdk.messagingProfiles.create(profileBody);
    await sdk.numberOrders.create({
      phone_numbers: [{ phone_number: wanted, requirement_group_id: 'group-1' }],
      connection_id: application.id,
      messaging_profile_id: profile.id,
    });
    await sdk.phoneNumbers.list({ filter: { phone_number: wanted } });
    await sdk.phoneNumbers.messaging.retrieve(id);
    await sdk.phoneNumbers.retrieve(id);
    await sdk.phoneNumbers.update(id, { connection_id: '' });
    await sdk.phoneNumbers.messaging.update(id, { messaging_profile_id: '' });
    await sdk.phoneNumbers.list(pages);
    await sdk.phoneNumbers.messaging.list(pages);
    await sdk.phoneNumbers.delete(id);
    expect(ours).toEqual(seen());
  });
});

describe('texts by Telnyx', () => {
  it('are sent as the vendor’s SDK sends them, once for each text that came in', async () => {
    const destination = PhoneNumber.parse('+12025550123');
    const sender = toVirtualNumber('+12155550150');
    invariant(destination && sender, 'a number of the test does not parse');
    const b = await createTelnyxBench();
    const relay = { decision: 'relay', destination, sender, body: 'Where are you? 🚪' } as const;
    const { signal } = new AbortController();
    await Promise.all([
      b.provider.sendMessage(relay, 'm-1', signal),
      b.provider.sendMessage(relay, 'm-1', signal),
    ]);
    const sdk = new Telnyx({ apiKey: API_KEY, baseURL: `${b.operator.gateway.url}/v2`, maxRetries: 0 });
    await sdk.messages.send({ from: sender, to: '+12025550123', text: 'Where are you? 🚪', type: 'SMS' });
    const [ours, theirs, ...more] = b.operator.gateway.requests;
    expect(JSON.parse(ours?.body ?? '')).toEqual(JSON.parse(theirs?.body ?? ''));
    expect([ours?.path, more.length]).toEqual([theirs?.path, 0]);
    const media_urls = ['https://media.telnyx.example/1'];
    for (const [i, words] of ['Look', ''].entries()) {
      await b.provider.sendMessage({ ...relay, body: words, mediaUrls: media_urls }, `picture-${i}`, signal);
      const message = { from: sender, to: '+12025550123', media_urls, type: 'MMS' as const };
      await sdk.messages.send(words === '' ? message : { ...message, text: words });
      const [mine, judged] = b.operator.gateway.requests.slice(-2).map((each) => JSON.parse(each.body));
      expect(mine).toEqual(judged);
    }
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 429, headers: { 'retry-after': '3' } } });
    await expect(b.provider.sendMessage(relay, 'm-2', signal)).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 3,
    });
    const stopped = { code: '40300', title: 'Blocked due to STOP message', detail: 'From +1… to +1…' };
    const answer = { status: 409, body: JSON.stringify({ errors: [stopped] }) };
    b.operator.gateway.disturb({ kind: 'answer', answer });
    await expect(b.provider.sendMessage(relay, 'm-3', signal)).rejects.toMatchObject({ code: 'opted_out' });
    await b.close();
  });
});

describe('createTelnyxProvider', () => {
  it.each([
    ['no public key', SETTINGS, { apiKey: API_KEY }, 'publicKey'],
    ['a public key of another length', SETTINGS, { ...CREDENTIALS, publicKey: 'aHVzaA==' }, 'publicKey'],
    ['no voice profile', {}, CREDENTIALS, 'outboundVoiceProfileId'],
    ['a misspelt credential', SETTINGS, { ...CREDENTIALS, apikey: 'hush' }, 'additional'],
    [
      'an address with a password in it',
      { ...SETTINGS, apiUrl: 'https://me:hush@host' },
      CREDENTIALS,
      'apiUrl',
    ],
    ['a country that is none', { ...SETTINGS, messageCountries: ['hush'] }, CREDENTIALS, 'messageCountries'],
    ['nothing', null, null, 'credentials'],
  ])('refuses to be made with %s, and says why without saying what', (_name, settings, credentials, why) => {
    const make = (): unknown => createTelnyxProvider({ settings, credentials }, { clock: new ManualClock() });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
    expect(make).not.toThrow(API_KEY);
  });
});
