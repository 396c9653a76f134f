import twilio from 'twilio';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS, type Announcement } from '../../domain/route.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import type { OperatorRequest } from '../conformance-gateway.ts';
import { readXml } from '../testing/read-xml.ts';
import { ACCOUNT_SID, AUTH_TOKEN, createTwilioBench, type TwilioBench } from './testing/twilio-bench.ts';
import { renderTwilioCall, renderTwilioMessage } from './twilio-instructions.ts';

// The vendor's own library is the judge: what it would write is what we write.

const URLS = {
  answer: 'https://vn.example.com/a?x=1&y=2',
  status: 'https://vn.example.com/s',
  message: 'https://vn.example.com/m',
};
const destination = PhoneNumber.parse('+12025550123');
const callerId = toVirtualNumber('+12155550150');
invariant(destination && callerId, 'a number of the test does not parse');
const BRIDGE = {
  decision: 'bridge',
  destination,
  callerId,
  ringTimeoutSeconds: 25,
  maxCallSeconds: 3600,
} as const;

describe("TwiML against the vendor's builder", () => {
  const { VoiceResponse, MessagingResponse } = twilio.twiml;

  const dial = (response: InstanceType<typeof VoiceResponse>) =>
    response
      .dial({
        callerId,
        timeout: 25,
        timeLimit: 3600,
        answerOnBridge: true,
        action: URLS.status,
        method: 'POST',
        record: 'do-not-record',
      })
      .number(
        {
          statusCallback: URLS.status,
          statusCallbackMethod: 'POST',
          statusCallbackEvent: ['ringing', 'answered', 'completed'],
        },
        destination.reveal(),
      );

  it('bridges, and records nothing, even when told to: the callee would not hear the consent', () => {
    const plain = new VoiceResponse();
    dial(plain);
    expect(readXml(renderTwilioCall(BRIDGE, URLS).body)).toEqual(readXml(plain.toString()));
    const recording = { consent: 'This call is recorded.' };
    expect(renderTwilioCall({ ...BRIDGE, recording }, URLS)).toEqual(renderTwilioCall(BRIDGE, URLS));
  });

  it('never asks for a longer call than Twilio carries', () => {
    const { body } = renderTwilioCall({ ...BRIDGE, maxCallSeconds: 86_400 }, URLS);
    expect(readXml(body).elements[0]?.attributes.timeLimit).toBe('14400');
  });

  it('announces, rejects, and asks for a PIN', () => {
    for (const announcement of Object.keys(ANNOUNCEMENTS) as Announcement[]) {
      const said = new VoiceResponse();
      said.say(ANNOUNCEMENTS[announcement]);
      said.hangup();
      const { body } = renderTwilioCall({ decision: 'announce', announcement }, URLS);
      expect(readXml(body)).toEqual(readXml(said.toString()));
    }
    const rejected = new VoiceResponse();
    rejected.reject({ reason: 'rejected' });
    expect(readXml(renderTwilioCall({ decision: 'reject' }, URLS).body)).toEqual(
      readXml(rejected.toString()),
    );

    const asked = new VoiceResponse();
    asked
      .gather({ input: ['dtmf'], numDigits: 6, timeout: 8, action: URLS.answer, method: 'POST' })
      .say('Please enter your PIN of 6 digits.');
    asked.hangup();
    const { body } = renderTwilioCall({ decision: 'collect_pin', digits: 6 }, URLS);
    expect(readXml(body)).toEqual(readXml(asked.toString()));
  });

  it('relays a text, markup and all, or says nothing', () => {
    const body = `<Dial>+12025550199</Dial> & "so" on\r\n'é' 🚪`;
    const relayed = new MessagingResponse();
    relayed.message({ to: destination.reveal(), from: callerId }, body);
    const ours = renderTwilioMessage({ decision: 'relay', destination, sender: callerId, body });
    expect(readXml(ours.body).elements[0]?.text).toBe(body);
    expect(readXml(ours.body)).toEqual(readXml(relayed.toString()));
    const mediaUrls = ['https://api.twilio.example/1?a=1&b=2', 'https://api.twilio.example/2'];
    for (const words of ['Look', '']) {
      const sent = new MessagingResponse();
      const message = sent.message({ to: destination.reveal(), from: callerId }, '');
      if (words !== '') message.body(words);
      for (const url of mediaUrls) message.media(url);
      const relay = { decision: 'relay', destination, sender: callerId, body: words, mediaUrls } as const;
      expect(readXml(renderTwilioMessage(relay).body)).toEqual(readXml(sent.toString()));
    }
    const nothing = renderTwilioMessage({ decision: 'drop' });
    expect(readXml(nothing.body)).toEqual(readXml(new MessagingResponse().toString()));
  });
});

describe("requests against the vendor's client", () => {
  let b: TwilioBench;
  beforeEach(async () => {
    b = await createTwilioBench();
  });
  afterEach(() => b.close());
  const { signal } = new AbortController();

  /** Twilio's client, asking our operator. */
  function client(): twilio.Twilio {
    const httpClient = new twilio.RequestClient();
    httpClient.axios.interceptors.request.use((config) => {
      config.url = config.url?.replace('https://api.twilio.com', b.operator.gateway.url) ?? '';
      return config;
    });
    return twilio(ACCOUNT_SID, AUTH_TOKEN, { httpClient });
  }

  /** What is sent while something runs: all but the headers that say who sends it. */
  async function sentBy(run: () => Promise<unknown>): Promise<object[]> {
    const { requests } = b.operator.gateway;
    const before = requests.length;
    await run();
    return requests.slice(before).map(comparable);
  }

  it('searches, buys, configures, lists and gives back as it does', async () => {
    const search = { country: 'US', limit: 7 };
    expect(await sentBy(() => b.provider.searchNumbers(search, signal))).toEqual(
      await sentBy(() =>
        client().availablePhoneNumbers('US').local.page({ voiceEnabled: true, pageSize: 7 }),
      ),
    );

    const [one, two] = await b.provider.searchNumbers(search, signal);
    invariant(one && two, 'the operator has nothing on sale');
    const webhooks = {
      voiceUrl: URLS.answer,
      voiceMethod: 'POST',
      smsUrl: URLS.message,
      smsMethod: 'POST',
      statusCallback: URLS.status,
      statusCallbackMethod: 'POST',
    };
    const [bought] = await sentBy(() => b.provider.provisionNumber(one.virtualNumber, URLS, signal));
    const [judged] = await sentBy(() =>
      client().incomingPhoneNumbers.create({ phoneNumber: two.virtualNumber, ...webhooks }),
    );
    expect(withoutNumbers(bought)).toEqual(withoutNumbers(judged));

    expect(await sentBy(() => b.provider.listNumbers(signal))).toEqual(
      await sentBy(() => client().incomingPhoneNumbers.page({ pageSize: 400 })),
    );
    const [held] = await b.provider.listNumbers(signal);
    invariant(held, 'nothing is held');
    const context = client().incomingPhoneNumbers(held.providerNumberId);
    expect(await sentBy(() => b.provider.configureNumber(held, { urls: URLS }, signal))).toEqual(
      await sentBy(async () => [await context.fetch(), await context.update(webhooks)]),
    );
    const [givenBack] = await sentBy(() => b.provider.decommissionNumber(held, signal));
    const again = client().incomingPhoneNumbers(held.providerNumberId);
    expect(givenBack).toEqual((await sentBy(() => again.remove().catch(() => null)))[0]);
  });

  it('asks for a call and its other leg as it does', async () => {
    const ended = { status: 'completed', duration: '61', end_time: 'Sun, 22 Nov 2026 05:51:43 +0000' };
    b.twilio.calls.push({ sid: 'CA1', ...ended, parent_call_sid: null });
    b.twilio.calls.push({ sid: 'CA2', ...ended, status: 'busy', duration: '0', parent_call_sid: 'CA1' });
    const ours = await sentBy(async () => b.provider.fetchCallEnd?.('CA1', signal));
    expect(ours).toEqual(
      await sentBy(async () => [
        await client().calls('CA1').fetch(),
        await client().calls.page({ parentCallSid: 'CA1', pageSize: 20 }),
      ]),
    );
    // The vendor's client reads what our operator answers, so the operator speaks as Twilio does.
    const read = await client().calls('CA1').fetch();
    expect(read.endTime.getTime()).toBe(Date.UTC(2026, 10, 22, 5, 51, 43));
  });
});

function comparable({ method, path, headers, body }: OperatorRequest): object {
  const url = new URL(path, 'http://operator.test');
  return {
    method,
    path: url.pathname,
    query: [...url.searchParams].sort(),
    form: [...new URLSearchParams(body)].sort(),
    authorization: headers.authorization,
    // The client declares a form even where it sends none.
    type: body === '' ? null : headers['content-type'],
  };
}

function withoutNumbers(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\+\d{11}/g, 'a number'));
}
