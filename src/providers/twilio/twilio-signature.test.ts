import { createSecretKey, type KeyObject } from 'node:crypto';
import twilio from 'twilio';
import { describe, expect, it } from 'vitest';
import { mutationsOf } from '../conformance-mutations.ts';
import type { WebhookRequest } from '../provider.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  createTwilioWebhooks,
  formWebhook,
  signatureOf,
  WEBHOOK_BASE,
} from './testing/twilio-bench.ts';
import { TWILIO } from './twilio-dialect.ts';
import { isTwilioSigned } from './twilio-signature.ts';

const OFFICIAL_URL = 'https://mycompany.com/myapp.php?foo=1&bar=2';
const OFFICIAL = {
  CallSid: 'CA1234567890ABCDE',
  Caller: '+14158675309',
  Digits: '1234',
  From: '+14158675309',
  To: '+18005551212',
};
const VOICE_URL = 'https://vn.example.com/hooks/twilio/voice';
const VOICE = {
  AccountSid: ACCOUNT_SID,
  CallSid: 'CA00000000000000000000000000000001',
  CallStatus: 'ringing',
  Direction: 'inbound',
  From: '+14155550101',
  To: '+14155550199',
};
const TEXT = {
  AccountSid: ACCOUNT_SID,
  Body: 'I am downstairs',
  From: '+14155550101',
  MessageSid: 'SM00000000000000000000000000000001',
  NumMedia: '0',
  To: '+14155550199',
};
const BODY_HASH = '0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620';
const JSON_BODY = '{"property": "value", "boolean": true}';

type Vector = [name: string, token: string, request: WebhookRequest];

function posted(url: string, fields: Record<string, string>, signature: string): WebhookRequest {
  const webhook = formWebhook(url, fields);
  return { ...webhook, remoteAddress: '', headers: { ...webhook.headers, 'x-twilio-signature': signature } };
}

const binding = `${encodeURIComponent('MessagingBinding.Address')}=`;
const bindings = ['+1325xxxxxxx', '+1415xxxxxxx'].map((address) => binding + encodeURIComponent(address));

const VECTORS: Vector[] = [
  ['the official one', '12345', posted(OFFICIAL_URL, OFFICIAL, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=')],
  ['signed with :443', '12345', posted(OFFICIAL_URL, OFFICIAL, 'kvajT1Ptam85bY51eRf/AJRuM3w=')],
  [
    'signed with :80',
    '12345',
    posted(OFFICIAL_URL.replace('https', 'http'), OFFICIAL, '0ZXoZLH/DfblKGATFgpif+LLRf4='),
  ],
  [
    'a port of its own',
    '12345',
    posted('http://mycompany.com:1234/myapp.php?foo=1&bar=2', OFFICIAL, 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU='),
  ],
  [
    'a quote in the URL',
    '12345',
    posted(`${OFFICIAL_URL}&Body=It's+amazing`, OFFICIAL, 'TfZzewPq8wqrGlMfyAud8+/IvJ0='),
  ],
  [
    'a repeated field, in any order and as often as it likes',
    '12345',
    {
      ...posted(OFFICIAL_URL, {}, '83O6e2vORAoJHUNzJjDWN1jz+BA='),
      rawBody: Buffer.from([...bindings, ...bindings].reverse().join('&')),
    },
  ],
  [
    'a JSON body',
    '12345',
    {
      ...posted(`${OFFICIAL_URL}&bodySHA256=${BODY_HASH}`, {}, 'a9nBmqA0ju/hNViExpshrM61xv4='),
      rawBody: Buffer.from(JSON_BODY),
    },
  ],
  ['a call', 'test_auth_token', posted(VOICE_URL, VOICE, 'mWw4rvpkwrCkoLhOMkEpfQK8r9Q=')],
  [
    'a text',
    'test_auth_token',
    posted('https://vn.example.com/hooks/twilio/sms', TEXT, 'jAXXvHY5/aqOXuU3mtYi7w+03KU='),
  ],
  [
    'a GET',
    'test_auth_token',
    {
      ...posted(`${VOICE_URL}?From=%2B14155550101&To=%2B14155550199`, {}, 'bdbxwpW08l9MeqQFe3giJtaSfdI='),
      method: 'GET',
      rawBody: new Uint8Array(),
    },
  ],
];

describe('isTwilioSigned', () => {
  it.each(VECTORS)('believes %s', (_, token, request) => {
    expect(isTwilioSigned(request, keys(token), TWILIO)).toBe(true);
    expect(isTwilioSigned(request, keys('another token', token), TWILIO)).toBe(true);
    expect(isTwilioSigned(request, keys('another token'), TWILIO)).toBe(false);
    expect(isTwilioSigned(request, keys(), TWILIO)).toBe(false);
  });

  it('believes the URL without its port, whichever it is, as Twilio signs some requests', () => {
    const webhook = createTwilioWebhooks({
      accountSid: ACCOUNT_SID,
      secret: AUTH_TOKEN,
      header: 'x-twilio-signature',
    });
    const call = webhook.answer({ callId: 'call-1', from: null, to: '+12155550150' });
    const signature = signatureOf({ ...call, url: call.url.replace(':8443', '') }, AUTH_TOKEN);
    const request = webhook.sign(call);
    const headers = { ...request.headers, 'x-twilio-signature': signature };
    expect(isTwilioSigned({ ...request, headers }, keys(AUTH_TOKEN), TWILIO)).toBe(true);
  });

  it("does not believe a sub-account's number with the parent's token", () => {
    const request = posted(
      VOICE_URL,
      VOICE,
      twilio.getExpectedTwilioSignature('sub-account', VOICE_URL, VOICE),
    );
    expect(isTwilioSigned(request, keys('sub-account'), TWILIO)).toBe(true);
    expect(isTwilioSigned(request, keys('parent'), TWILIO)).toBe(false);
  });

  it('does not believe a hash of another body, two hashes, or a hash that the URL has outside its query', () => {
    const signed = (url: string, body: string): WebhookRequest => ({
      ...posted(url, {}, twilio.getExpectedTwilioSignature('12345', url, {})),
      rawBody: Buffer.from(body),
    });
    const url = `${OFFICIAL_URL}&bodySHA256=${BODY_HASH}`;
    const believed = (request: WebhookRequest): boolean => isTwilioSigned(request, keys('12345'), TWILIO);
    expect(believed(signed(url, JSON_BODY))).toBe(true);
    expect(believed(signed(url, `${JSON_BODY} `))).toBe(false);
    expect(believed(signed(url, ''))).toBe(false);
    expect(believed(signed(`${url}&bodySHA256=${BODY_HASH}`, JSON_BODY))).toBe(false);
    expect(believed(signed(url.toUpperCase().replace('HTTPS', 'https'), JSON_BODY))).toBe(false);
    expect(believed(signed(`https://mycompany.com/?bodySHA256=`, JSON_BODY))).toBe(false);
    expect(believed(signed(`https://mycompany.com/bodySHA256=${BODY_HASH}`, JSON_BODY))).toBe(false);
  });
});

/** Changes that a list of byte changes does not think of: of the fields themselves, and of where they are. */
function fieldMutations(genuine: WebhookRequest): Map<string, WebhookRequest> {
  const fields = [...new URLSearchParams(Buffer.from(genuine.rawBody).toString())];
  const mutations = new Map<string, WebhookRequest>();
  const add = (name: string, changed: [string, string][]): void => {
    const rawBody = Buffer.from(new URLSearchParams(changed).toString());
    mutations.set(name, { ...genuine, rawBody });
  };
  fields.forEach(([name, value], at) => {
    const others = fields.filter((_, index) => index !== at);
    add(`${name} removed`, others);
    add(`${name} emptied`, fields.with(at, [name, value === '' ? '0' : '']));
    add(`${name} changed`, fields.with(at, [name, `${value}0`]));
    add(`${name} named otherwise`, fields.with(at, [name.toLowerCase(), value]));
    add(`${name} repeated with another value`, [...fields, [name, '+12025550199']]);
    const query = `${genuine.url}?${new URLSearchParams([[name, value]])}`;
    mutations.set(`${name} in the query as well`, { ...genuine, url: query });
    const rest = Buffer.from(new URLSearchParams(others).toString());
    mutations.set(`${name} in the query instead`, { ...genuine, url: query, rawBody: rest });
  });
  add('a field more', [...fields, ['Extra', '1']]);
  add('300 fields more', [...fields, ...Array<[string, string]>(300).fill(['Extra', '1'])]);
  const all = `${genuine.url}?${Buffer.from(genuine.rawBody).toString()}`;
  mutations.set('a GET', { ...genuine, method: 'GET', url: all, rawBody: new Uint8Array() });
  mutations.set('no body, as POST', { ...genuine, url: all, rawBody: new Uint8Array() });
  mutations.set('another encoding', {
    ...genuine,
    rawBody: Buffer.from(Buffer.from(genuine.rawBody).toString(), 'utf16le'),
  });
  return mutations;
}

describe('forged requests', () => {
  const webhooks = createTwilioWebhooks({
    accountSid: ACCOUNT_SID,
    secret: AUTH_TOKEN,
    header: 'x-twilio-signature',
  });
  const genuine = [
    webhooks.answer({ callId: 'call-1', from: '+12025550101', to: '+12155550150', attestation: 'A' }),
    webhooks.status({
      callId: 'call-1',
      event: 'ended',
      at: 0,
      termination: 'completed',
      durationSeconds: 60,
    }),
    webhooks.message({ messageId: 'message-1', from: '+12025550101', to: '+12155550150', body: 'Hello' }),
  ].map((webhook) => webhooks.sign(webhook));

  it('are all refused, and each that the official library refuses', () => {
    let forged = 0;
    const believed: string[] = [];
    for (const request of genuine) {
      expect(isTwilioSigned(request, keys(AUTH_TOKEN), TWILIO)).toBe(true);
      expect(judge(request)).toBe(true);
      for (const [name, mutated] of [...mutationsOf(request, webhooks), ...fieldMutations(request)]) {
        forged++;
        const ours = isTwilioSigned(mutated, keys(AUTH_TOKEN), TWILIO);
        if (ours) believed.push(name);
        // The library does not look at the method; whatever else it refuses, we refuse.
        if (ours) expect(judge(mutated), name).toBe(true);
      }
    }
    expect(believed).toEqual([]);
    expect(forged).toBeGreaterThanOrEqual(300);
  });

  it('are refused with a signature in another form', () => {
    for (const request of genuine) {
      const signature = request.headers['x-twilio-signature'] ?? '';
      const raw = Buffer.from(signature, 'base64');
      const forms = [raw.toString('hex'), raw.toString('base64url'), raw.toString('latin1'), ` ${signature}`];
      forms.push(`${signature} `, `sha1=${signature}`, signature.replace(/=$/, ''), `${signature}=`);
      // The last character before the padding holds two bits that mean nothing.
      const at = signature.length - 2;
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
      const last = alphabet.indexOf(signature.charAt(at));
      forms.push(`${signature.slice(0, at)}${alphabet.charAt(last ^ 1)}=`);
      for (const form of forms) {
        const headers = { ...request.headers, 'x-twilio-signature': form };
        expect(isTwilioSigned({ ...request, headers }, keys(AUTH_TOKEN), TWILIO), form).toBe(false);
      }
      const headers = {
        ...request.headers,
        'x-twilio-signature': undefined,
        'x-signalwire-signature': signature,
      };
      expect(isTwilioSigned({ ...request, headers }, keys(AUTH_TOKEN), TWILIO)).toBe(false);
    }
  });

  it('are judged without a word about the order of the fields, which is not signed', () => {
    for (const request of genuine) {
      const turned = new URLSearchParams(
        [...new URLSearchParams(Buffer.from(request.rawBody).toString())].reverse(),
      );
      const rawBody = Buffer.from(turned.toString());
      expect(isTwilioSigned({ ...request, rawBody }, keys(AUTH_TOKEN), TWILIO)).toBe(true);
    }
  });

  /** Twilio's own verdict. */
  function judge({ url, rawBody, headers }: WebhookRequest): boolean {
    const fields: Record<string, string[]> = Object.create(null);
    for (const [name, value] of new URLSearchParams(Buffer.from(rawBody).toString('utf8'))) {
      fields[name] = [...(fields[name] ?? []), value];
    }
    const signature = headers['x-twilio-signature'] ?? '';
    return twilio.validateRequest(AUTH_TOKEN, signature, url, fields);
  }

  it('come from a URL that is our own', () => {
    expect(genuine.every((request) => request.url.startsWith(WEBHOOK_BASE))).toBe(true);
  });
});

function keys(...secrets: string[]): KeyObject[] {
  return secrets.map((secret) => createSecretKey(secret, 'utf8'));
}
