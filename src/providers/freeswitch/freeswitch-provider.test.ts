import { describe, expect, it } from 'vitest';
import { toVirtualNumber } from '../../domain/virtual-number.ts';
import { invariant } from '../../lib/assert.ts';
import { ManualClock } from '../../lib/manual-clock.ts';
import { exerciseProvider } from '../conformance.ts';
import type {
  CallReading,
  InstructionReader,
  ProviderBench,
  UnsignedWebhook,
  WebhookBench,
} from '../conformance-bench.ts';
import { OperatorGateway } from '../conformance-gateway.ts';
import { readFreeswitchConfig } from './freeswitch-config.ts';
import { createFreeswitchProvider } from './freeswitch-provider.ts';

const PASSWORD = 'the password of the switch';
const BASE = 'https://vn.example.com/webhooks/freeswitch/acc_1/0123456789abcdef';
const MODULES = ['xml_curl', 'httapi'] as const;
const config = { password: PASSWORD, gateway: 'trunk', context: 'public' };

/** What mod_json_cdr writes about each end. */
const ENDS: Readonly<Record<string, Record<string, string>>> = {
  completed: { hangup_cause: 'NORMAL_CLEARING', hangup_cause_q850: '16', billsec: '61' },
  time_limit: {
    hangup_cause: 'NORMAL_CLEARING',
    last_bridge_hangup_cause: 'ALLOTTED_TIMEOUT',
    billsec: '61',
  },
  busy: { hangup_cause: 'USER_BUSY', hangup_cause_q850: '17', billsec: '0' },
  no_answer: { hangup_cause: 'NO_ANSWER', hangup_cause_q850: '19', billsec: '0' },
  cancelled: { hangup_cause: 'ORIGINATOR_CANCEL', hangup_cause_q850: '487', billsec: '0' },
  failed: { hangup_cause: 'NORMAL_TEMPORARY_FAILURE', hangup_cause_q850: '41', billsec: '0' },
};

for (const module of MODULES) {
  exerciseProvider(`freeswitch ${module}`, async (): Promise<ProviderBench> => {
    const gateway = await OperatorGateway.start(() => Promise.reject(new Error('Nobody asks the switch.')));
    const notOnSale = toVirtualNumber('+12025550150');
    invariant(notOnSale, 'a number of the test does not parse');
    const nothing = async (): Promise<never> => {
      throw new Error('A switch sells nothing.');
    };
    return {
      provider: createFreeswitchProvider({ ...config, module }),
      clock: new ManualClock(),
      webhooks: createWebhooks(module),
      reader,
      operator: { gateway, country: 'US', notOnSale, morePages: 1, sell: nothing, held: nothing },
      secrets: [PASSWORD],
      close: () => gateway.stop(),
    };
  });
}

function createWebhooks(module: (typeof MODULES)[number]): WebhookBench {
  const post = (kind: string, body: string, type = 'application/x-www-form-urlencoded'): UnsignedWebhook => ({
    method: 'POST',
    url: `${BASE}/${kind}`,
    headers: { 'content-type': type, 'user-agent': 'freeswitch-xml/1.0' },
    rawBody: new TextEncoder().encode(body),
  });
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
  return {
    answer: ({ callId, from, to }) =>
      post(
        'answer',
        module === 'xml_curl'
          ? form({
              ...{ hostname: 'fs1', section: 'dialplan', tag_name: '', key_name: '', key_value: '' },
              ...{
                'Hunt-Unique-ID': callId,
                'Hunt-Caller-ID-Number': from ?? '',
                'Hunt-Destination-Number': to,
              },
              ...{
                'Caller-Destination-Number': 'something else',
                'Hunt-Context': 'public',
                'Hunt-Network-Addr': '192.0.2.7',
              },
            })
          : form({
              ...{ session_id: callId, hostname: 'fs1', url: BASE },
              ...{ 'Caller-Caller-ID-Number': from ?? '', 'Caller-Destination-Number': to },
            }),
      ),
    status: ({ callId, at, ...rest }) => {
      const end = rest.event === 'ended' ? ENDS[rest.termination] : {};
      const variables = { uuid: callId, end_epoch: String(Math.floor(at / 1_000)), ...end };
      return post('status', JSON.stringify({ variables, 'switch-name': 'fs1' }), 'application/json');
    },
    message: ({ messageId, from, to, body }) =>
      post('message', form({ session_id: messageId, from, to, body })),
    sign: (webhook, { secret = PASSWORD } = {}) => ({
      ...webhook,
      remoteAddress: '192.0.2.7',
      headers: {
        ...webhook.headers,
        authorization: `Basic ${Buffer.from(`freeswitch:${secret}`).toString('base64')}`,
      },
    }),
    proofHeaders: ['authorization'],
    covers: new Set(),
    toleranceSeconds: null,
    terminations: Object.keys(ENDS) as WebhookBench['terminations'],
  };
}

const unescaped = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot);/g,
    (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? '',
  );

/** `{name=value,…}sofia/gateway/NAME/NUMBER`, as both modules take it. */
function readDialString(text: string): CallReading {
  const [, list = '', gateway, number] = /^\{(.*)\}sofia\/gateway\/([^/]+)\/(\d+)$/.exec(text) ?? [];
  const variables = Object.fromEntries(list.split(',').map((each) => each.split(/=(.*)/, 2)));
  expect(gateway).toBe('trunk');
  expect(variables).toMatchObject({ ignore_display_updates: 'true', sip_copy_custom_headers: 'false' });
  return {
    kind: 'bridge',
    destination: `+${number}`,
    callerId: `+${variables.origination_caller_id_number}`,
    ringTimeoutSeconds: Number(variables.leg_timeout),
    maxCallSeconds: Number(/sched_hangup \+(\d+) allotted_timeout/.exec(variables.execute_on_answer)?.[1]),
  };
}

const reader: InstructionReader = {
  call: ({ body, contentType }) => {
    expect(contentType).toBe('text/xml');
    if (body.includes('type="xml/freeswitch-httapi"')) {
      const dial = /<dial caller-id-name="(\d+)" caller-id-number="\1">([^<]*)<\/dial>/.exec(body)?.[2];
      if (dial !== undefined) return readDialString(unescaped(dial));
      const speak = /<speak [^>]*>([^<]*)<\/speak><hangup\/>/.exec(body)?.[1];
      if (speak !== undefined) return { kind: 'announce', text: unescaped(speak) };
      if (body.includes('<work><hangup cause="UNALLOCATED_NUMBER"/></work>')) return { kind: 'reject' };
      throw new Error('mod_httapi knows no such step.');
    }
    expect(body).toMatch(
      /<document type="freeswitch\/xml"><section name="dialplan"><context name="public"><extension name="\w+"><condition>/,
    );
    const actions = [...body.matchAll(/<action application="(\w+)" data="([^"]*)"\/>/g)].map(
      ([, name = '', data = '']) => [name, unescaped(data)] as const,
    );
    const last = actions.at(-1);
    if (last?.[0] === 'bridge') {
      // What the caller is shown of the callee: the number that was dialled, and no update of it.
      const set = actions.filter(([name]) => name === 'set').map(([, data]) => data);
      expect(set).toEqual(
        expect.arrayContaining([
          // biome-ignore lint/suspicious/noTemplateCurlyInString: FreeSWITCH expands it.
          'initial_callee_id_number=${destination_number}',
          'ignore_display_updates=true',
          'bypass_media=false',
        ]),
      );
      return readDialString(last[1]);
    }
    if (last?.[0] === 'respond' && last[1] === '404 Not Found') return { kind: 'reject' };
    if (last?.[0] === 'respond') return { kind: 'announce', text: last[1].replace(/^(404|410) /, '') };
    throw new Error('The dialplan knows no such action.');
  },
  message: ({ body }) => {
    if (!body.includes('<work/>')) throw new Error('Texts are not relayed.');
    return { kind: 'drop' };
  },
};

describe('createFreeswitchProvider', () => {
  const provider = createFreeswitchProvider({ ...config, module: 'xml_curl' });
  const bench = createWebhooks('xml_curl');

  it.each(Object.entries(ENDS))('reads the call record of %s', (termination, variables) => {
    const at = 1_767_225_600_000;
    const ended = {
      callId: 'call-9',
      event: 'ended',
      at,
      termination: termination as 'busy',
      durationSeconds: 61,
    } as const;
    expect(provider.parseWebhook('status', bench.sign(bench.status(ended)))).toMatchObject({
      callback: {
        providerCallId: 'call-9',
        legStatus: { status: 'ended', at, termination, durationSeconds: Number(variables.billsec) },
      },
    });
  });

  it('has no opinion on users and configuration, nor on an application that has ended', () => {
    const ask = (fields: Record<string, string>) => {
      const webhook = bench.answer({ callId: '1', from: null, to: '+12155550100' });
      const rawBody = new TextEncoder().encode(new URLSearchParams(fields).toString());
      return provider.parseWebhook('answer', bench.sign({ ...webhook, rawBody }));
    };
    expect(ask({ section: 'directory', 'Unique-ID': '1' })).toMatchObject({ kind: 'ignored' });
    expect(ask({ session_id: '1', exiting: 'true' })).toMatchObject({ kind: 'ignored' });
  });

  it.each([
    [
      'a gateway that is a dial string',
      { ...config, module: 'xml_curl', gateway: 'trunk/1,user/hush' },
      '/gateway',
    ],
    ['no module', config, 'module'],
    ['another module', { ...config, module: 'lua' }, '/module'],
  ])('refuses to be made with %s, and says why without saying what', (_, wrong, why) => {
    expect(() => readFreeswitchConfig(wrong)).toThrow(why);
    expect(() => readFreeswitchConfig(wrong)).not.toThrow('hush');
  });
});
