import plivo from 'plivo';
import { describe, expect, it } from 'vitest';
import { ANNOUNCEMENTS } from '../../domain/route.ts';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { PhoneNumber } from '../../privacy/phone-number.ts';
import { OperatorGateway } from '../conformance-gateway.ts';
import type { CallInstruction } from '../provider.ts';
import { readXml } from '../testing/read-xml.ts';
import { renderPlivoCall, renderPlivoMessage } from './plivo-instructions.ts';
import { createPlivoProvider } from './plivo-provider.ts';
import { CREDENTIALS } from './testing/plivo-bench.ts';
import { AUTH_ID, AUTH_TOKEN, PlivoOperator } from './testing/plivo-operator.ts';

const URLS = {
  answer: 'https://vn.example.com/hooks/answer',
  status: 'https://vn.example.com/hooks/status',
  message: 'https://vn.example.com/hooks/message',
};
const destination = PhoneNumber.parse('+12025550123');
const callerId = toVirtualNumber('+12155550150');
invariant(destination && callerId, 'a number of the test does not parse');
const bridge: CallInstruction = {
  decision: 'bridge',
  destination,
  callerId,
  ringTimeoutSeconds: 25,
  maxCallSeconds: 3600,
};

describe('the documents for Plivo', () => {
  const render = (instruction: CallInstruction) => readXml(renderPlivoCall(instruction, URLS).body);
  /** The vendor's builder refuses attributes and children that Plivo does not know. */
  const judge = (build: (response: ReturnType<typeof plivo.Response>) => void) => {
    const response = plivo.Response();
    build(response);
    return readXml(response.toXML());
  };
  const dialled = {
    callerId: '12155550150',
    timeout: 25,
    timeLimit: 3600,
    callbackUrl: URLS.status,
    callbackMethod: 'POST',
  };

  it('are what the vendor’s builder makes of a bridge', () => {
    const built = judge((response) => response.addDial(dialled).addNumber('12025550123'));
    expect(render(bridge)).toEqual(built);
  });

  it('record nothing, even when told to: the callee would not hear the consent', () => {
    expect(render({ ...bridge, recording: { consent: 'This call is recorded.' } })).toEqual(render(bridge));
  });

  it('are what it makes of everything else', () => {
    expect(render({ decision: 'announce', announcement: 'session_ended' })).toEqual(
      judge((response) => {
        response.addSpeak(ANNOUNCEMENTS.session_ended);
        response.addHangup({});
      }),
    );
    expect(render({ decision: 'reject' })).toEqual(
      judge((response) => response.addHangup({ reason: 'rejected' })),
    );
    expect(render({ decision: 'collect_pin', digits: 4 })).toEqual(
      judge((response) => {
        const attributes = {
          action: URLS.answer,
          method: 'POST',
          numDigits: 4,
          timeout: 8,
          retries: 1,
          log: false,
        };
        response.addGetDigits(attributes).addSpeak('Please enter your PIN of 4 digits.');
        response.addHangup({});
      }),
    );
  });

  it('are what it makes of a text, whatever is in it', () => {
    const body = ' <Hangup/> & "Gate 4" \u{1f6aa}\nsecond line';
    const relayed = renderPlivoMessage({ decision: 'relay', destination, sender: callerId, body });
    const numbers = { src: '12155550150', dst: '12025550123', type: 'sms' };
    expect(readXml(relayed.body)).toEqual(judge((response) => response.addMessage(body, numbers)));
    expect(readXml(renderPlivoMessage({ decision: 'drop' }).body)).toEqual(judge(() => undefined));
  });

  it('name no URL with a query, because a signature is over the whole of it', () => {
    expect(JSON.stringify(render(bridge))).not.toMatch(/https:[^"]*\?/);
  });
});

describe('the requests to Plivo', () => {
  it('are those that the vendor’s SDK sends', async () => {
    const operator = new PlivoOperator();
    const gateway = await OperatorGateway.start(operator.handle);
    const { signal } = new AbortController();
    const provider = createPlivoProvider(
      { settings: { apiUrl: `${gateway.url}/v1` }, credentials: CREDENTIALS },
      { clock: new ManualClock() },
    );
    const sdk = new plivo.Client(AUTH_ID, AUTH_TOKEN, { url: `${gateway.url}/v1/Account/${AUTH_ID}` });
    const seen = () =>
      gateway.requests.splice(0).map(({ method, path, body, headers }) => {
        const { pathname, searchParams } = new URL(path, gateway.url);
        const query = Object.fromEntries(searchParams);
        return {
          method,
          pathname,
          query,
          body: body && JSON.parse(body),
          authorization: headers.authorization,
        };
      });
    try {
      const [one] = await provider.searchNumbers({ country: 'US', limit: 5 }, signal);
      invariant(one, 'nothing is on sale');
      const held = await provider.provisionNumber(one.virtualNumber, URLS, signal);
      await provider.listNumbers(signal);
      const before = (await provider.configureNumber(held, { urls: URLS }, signal)) as {
        applicationId: string;
      };
      await provider.decommissionNumber(held, signal);
      expect(before).toEqual({ applicationId: operator.applications[0]?.app_id });
      // Its calls about applications go to api.plivo.com whatever it is told, so those are left out here.
      const ours = seen().filter(({ pathname }) => !pathname.includes('/Application/'));

      // The same steps by the SDK, against an operator in the same state.
      const number = held.providerNumberId;
      const appId = before.applicationId;
      operator.onSale.unshift(number);
      const get = (): Promise<unknown> =>
        (sdk.numbers as unknown as { get(id: string): Promise<unknown> }).get(number);
      await sdk.numbers.search('US', { services: 'voice', limit: 20, offset: 0 });
      await sdk.numbers.buy(number, appId);
      await get();
      await sdk.numbers.list({ limit: 20, offset: 0 });
      await get();
      await sdk.numbers.update(number, { appId });
      await sdk.numbers.unrent(number);
      expect(ours).toEqual(seen());
    } finally {
      await gateway.stop();
    }
  });
});
