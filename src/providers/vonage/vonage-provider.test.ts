import { inspect } from 'node:util';
import { Numbers } from '@vonage/numbers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { exerciseProvider } from '../conformance.ts';
import { CREDENTIALS, createVonageBench, type VonageBench } from './testing/vonage-bench.ts';
import { API_KEY, API_SECRET } from './testing/vonage-operator.ts';
import { createVonageProvider } from './vonage-provider.ts';

exerciseProvider('vonage', () => createVonageBench());

const URLS = {
  answer: 'https://vn.example.com/hooks/answer',
  status: 'https://vn.example.com/hooks/status',
  message: 'https://vn.example.com/hooks/message',
};

describe('numbers at Vonage', () => {
  let b: VonageBench;
  const { signal } = new AbortController();
  beforeEach(async () => {
    b = await createVonageBench({ fallbackAnswerUrl: 'https://static.example/neutral.json' });
  });
  afterEach(() => b.close());

  const onSale = async () => {
    const [found] = await b.provider.searchNumbers({ country: 'US', limit: 1 }, signal);
    invariant(found, 'nothing is on sale');
    return found.virtualNumber;
  };

  it('makes one application for all numbers that ask at the same place, and finds it again', async () => {
    for (let i = 0; i < 3; i++) await b.provider.provisionNumber(await onSale(), URLS, signal);
    expect(b.vonage.applications).toHaveLength(1);
    const [application] = b.vonage.applications;
    expect(application?.capabilities.voice.webhooks.fallback_answer_url?.address).toBe(
      'https://static.example/neutral.json',
    );
    invariant(application, 'there is no application');
    for (let i = 0; i < 150; i++) {
      b.vonage.applications.unshift({
        ...structuredClone(application),
        id: application.id.replace(/^7/, 'b'),
        capabilities: {
          ...application.capabilities,
          messages: {
            version: 'v1',
            webhooks: {
              inbound_url: { address: `https://x/${i}`, http_method: 'POST' },
              status_url: { address: 'https://x', http_method: 'POST' },
            },
          },
        },
      });
    }
    const account = {
      settings: { apiUrl: `${b.operator.gateway.url}/api/`, restUrl: `${b.operator.gateway.url}/rest` },
      credentials: CREDENTIALS,
    };
    const another = createVonageProvider(account, { clock: b.clock });
    const held = await another.provisionNumber(await onSale(), URLS, signal);
    expect(b.vonage.applications).toHaveLength(151);
    expect((await b.operator.held()).get(held.virtualNumber)).toEqual(URLS);
  });

  it('uses no application that asks elsewhere, or otherwise', async () => {
    await b.provider.provisionNumber(await onSale(), URLS, signal);
    const [application] = b.vonage.applications;
    invariant(application, 'there is no application');
    const { voice, messages } = application.capabilities;
    const elsewhere = { address: 'https://x/', http_method: 'POST' };
    const webhooks = [
      { ...voice.webhooks, answer_url: { address: URLS.answer, http_method: 'GET' } },
      { ...voice.webhooks, answer_url: elsewhere },
      { ...voice.webhooks, event_url: elsewhere },
    ].map((each) => ({ messages, voice: { ...voice, webhooks: each } }));
    const others = [
      ...webhooks,
      { voice, messages: { ...messages, webhooks: { ...messages.webhooks, inbound_url: elsewhere } } },
    ];
    b.vonage.applications.length = 0;
    others.forEach((capabilities, i) => {
      const id = application.id.replace(/.$/, String(i + 1));
      b.vonage.applications.push({
        ...application,
        capabilities: capabilities as typeof application.capabilities,
        id,
      });
    });
    const settings = { apiUrl: `${b.operator.gateway.url}/api`, restUrl: `${b.operator.gateway.url}/rest` };
    const another = createVonageProvider({ settings, credentials: CREDENTIALS }, { clock: b.clock });
    const held = await another.provisionNumber(await onSale(), URLS, signal);
    expect(b.vonage.applications).toHaveLength(5);
    expect(b.vonage.held.get(held.virtualNumber.slice(1))).toEqual({ app_id: b.vonage.applications[4]?.id });
  });

  it('says that the number is bought when it cannot be linked, and links it when asked again', async () => {
    const wanted = await onSale();
    b.operator.gateway.disturb({
      kind: 'answer',
      answer: { status: 420, body: '{"error-code":"420","error-code-label":"method failed"}' },
      only: ({ path }) => path === '/rest/number/update',
    });
    await expect(b.provider.provisionNumber(wanted, URLS, signal)).rejects.toMatchObject({
      code: 'unavailable',
    });
    const [held] = await b.provider.listNumbers(signal);
    expect(held?.virtualNumber).toBe(wanted);
    invariant(held, 'the number is not held');
    await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect((await b.operator.held()).get(wanted)).toEqual(URLS);
  });

  it('puts back whatever a number did before', async () => {
    await b.operator.sell(1);
    const [held] = await b.provider.listNumbers(signal);
    invariant(held, 'no number is held');
    const before = {
      moHttpUrl: 'https://old.example/',
      voiceCallbackType: 'tel',
      voiceCallbackValue: '442079460000',
    };
    b.vonage.held.set(held.virtualNumber.slice(1), before);
    const told = await b.provider.configureNumber(held, { urls: URLS }, signal);
    expect(told).toEqual(before);
    await b.provider.configureNumber(held, { restore: told }, signal);
    expect(b.vonage.held.get(held.virtualNumber.slice(1))).toEqual(before);
    for (const restore of [null, 'x', { app_id: 7 }, { country: 'GB' }]) {
      await expect(b.provider.configureNumber(held, { restore }, signal)).rejects.toMatchObject({
        code: 'malformed',
      });
    }
  });

  it('tells a refusal to sell from a number that has gone', async () => {
    const label =
      'Numbers from this country can be requested from the Dashboard as they require a valid local address';
    const body = JSON.stringify({ 'error-code': '420', 'error-code-label': label });
    const wanted = await onSale();
    const refuse = (status: number) =>
      b.operator.gateway.disturb({
        kind: 'answer',
        answer: { status, body },
        only: ({ path }) => path.endsWith('/buy'),
      });
    for (const status of [420, 200]) {
      refuse(status);
      const refused: unknown = await b.provider
        .provisionNumber(wanted, URLS, signal)
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'refused' });
      expect(inspect(refused)).not.toContain('Dashboard as they');
    }
  });

  it('does not take a failure to give back for success while the number is in the list', async () => {
    const held = await b.provider.provisionNumber(await onSale(), URLS, signal);
    const body = '{"error-code":"420","error-code-label":"method failed"}';
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 420, body } });
    await expect(b.provider.decommissionNumber(held, signal)).rejects.toMatchObject({ code: 'refused' });
    expect(b.vonage.held.size).toBe(1);
  });

  it('does not take half a list for a whole one when numbers go away meanwhile', async () => {
    await b.operator.sell(230);
    b.operator.gateway.disturb({ kind: 'none' });
    b.operator.gateway.disturb({
      kind: 'none',
      only: () => b.vonage.held.delete([...b.vonage.held.keys()][0] ?? ''),
    });
    await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
    // One goes at the end and one comes in front: the count stays, and a number is seen twice.
    const [last = ''] = [...b.vonage.held.keys()].slice(-1);
    b.operator.gateway.disturb({ kind: 'none' });
    b.operator.gateway.disturb({
      kind: 'none',
      only: () => {
        const others = [...b.vonage.held].filter(([msisdn]) => msisdn !== last);
        b.vonage.held.clear();
        for (const [msisdn, each] of [['12085550100', {}] as const, ...others])
          b.vonage.held.set(msisdn, each);
        return true;
      },
    });
    await expect(b.provider.listNumbers(signal)).rejects.toMatchObject({ code: 'unavailable' });
    b.vonage.held.clear();
    expect(await b.provider.listNumbers(signal)).toEqual([]);
  });

  it('asks for the country of a number that it has not seen on sale, and knows it from its own id', async () => {
    const wanted = toVirtualNumber('+12015550100');
    const nowhere = toVirtualNumber('+8835100012345');
    invariant(wanted && nowhere, 'a number of the test does not parse');
    expect(await b.provider.provisionNumber(wanted, URLS, signal)).toMatchObject({
      providerNumberId: 'US:12015550100',
    });
    await expect(b.provider.provisionNumber(nowhere, URLS, signal)).rejects.toMatchObject({
      code: 'refused',
    });
  });

  it('asks as the vendor’s SDK does', async () => {
    const restHost = `${b.operator.gateway.url}/rest`;
    const sdk = new Numbers({ apiKey: API_KEY, apiSecret: API_SECRET }, { restHost });
    const seen = () =>
      b.operator.gateway.requests.splice(0).map(({ method, path, body, headers }) => {
        const { pathname, searchParams } = new URL(path, restHost);
        const form = Object.fromEntries(
          [...new URLSearchParams(body)].filter(([, value]) => value !== 'undefined'),
        );
        const query = Object.fromEntries(searchParams);
        return { method, pathname, query, form, authorization: headers.authorization };
      });
    const wanted = await onSale();
    const held = await b.provider.provisionNumber(wanted, URLS, signal);
    await b.provider.listNumbers(signal);
    await b.provider.decommissionNumber(held, signal);
    // The SDK that was brought for this knows nothing of applications.
    const ours = seen().filter(({ pathname }) => pathname.startsWith('/rest/'));
    const msisdn = wanted.slice(1);
    const appId = b.vonage.applications[0]?.id ?? '';
    b.vonage.onSale.unshift(msisdn);
    const number = { country: 'US', msisdn } as never;
    await sdk.getAvailableNumbers({ country: 'US', features: ['VOICE'], size: 1, index: 1 } as never);
    await sdk.buyNumber(number);
    await sdk.updateNumber({ ...(number as object), appId } as never);
    await sdk.getOwnedNumbers({ pattern: msisdn, searchPattern: 0, size: 10, index: 1 } as never);
    await sdk.getOwnedNumbers({ size: 100, index: 1 } as never);
    await sdk.cancelNumber(number);
    expect(ours).toEqual(seen());
  });
});

describe('texts by Vonage', () => {
  const destination = PhoneNumber.parse('+12025550123');
  const sender = toVirtualNumber('+12155550150');
  invariant(destination && sender, 'a number of the test does not parse');
  const relay = { decision: 'relay', destination, sender, body: 'Where are you? 🚪' } as const;
  const { signal } = new AbortController();

  it('are sent by a command, once for each text that came in', async () => {
    const b = await createVonageBench();
    await b.provider.sendMessage(relay, 'm-1', signal);
    await b.provider.sendMessage(relay, 'm-1', signal);
    await b.provider.sendMessage(relay, 'm-2', signal);
    const sent = {
      to: '12025550123',
      from: '12155550150',
      text: 'Where are you? 🚪',
      channel: 'sms',
      message_type: 'text',
    };
    expect(b.vonage.sent).toEqual([
      { ...sent, client_ref: 'm-1' },
      { ...sent, client_ref: 'm-2' },
    ]);
    await b.close();
  });

  it('are sent again when nobody knows whether they were', async () => {
    const b = await createVonageBench();
    b.operator.gateway.disturb({ kind: 'answer', answer: { status: 500 } });
    const failed: unknown = await b.provider
      .sendMessage(relay, 'm-1', signal)
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'unavailable' });
    expect(inspect(failed, { depth: 9 })).not.toMatch(/[0-9]{7,}|Where/);
    await b.provider.sendMessage(relay, 'm-1', signal);
    expect(b.vonage.sent).toHaveLength(1);
    await b.close();
  });
});

describe('createVonageProvider', () => {
  const { signatureSecret: _, ...unsigned } = CREDENTIALS;
  it.each([
    ['no signature secret', {}, unsigned, 'signatureSecret'],
    ['a short secret', {}, { ...CREDENTIALS, signatureSecret: 'hush' }, 'signatureSecret'],
    ['a misspelt credential', {}, { ...CREDENTIALS, apikey: 'hush' }, 'additional'],
    ['an address with a password in it', { apiUrl: 'https://me:hush@host' }, CREDENTIALS, 'apiUrl'],
    ['a fallback over plain HTTP', { fallbackAnswerUrl: 'http://hush' }, CREDENTIALS, 'fallbackAnswerUrl'],
    ['nothing', null, null, 'credentials'],
  ])('refuses to be made with %s, and says why without saying what', (_name, settings, credentials, why) => {
    const make = (): unknown => createVonageProvider({ settings, credentials }, { clock: new ManualClock() });
    expect(make).toThrow(why);
    expect(make).not.toThrow('hush');
    expect(make).not.toThrow(API_SECRET);
  });
});
