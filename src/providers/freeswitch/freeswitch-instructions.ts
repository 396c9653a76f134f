import { ANNOUNCEMENTS, type Announcement } from '../../domain/route.ts';
import { assertNever } from '../../lib/assert.ts';
import type { CallInstruction, WebhookResponse } from '../provider.ts';
import { withoutPlus } from '../wire-number.ts';
import { element, toXmlDocument, type XmlElement } from '../xml.ts';
import type { FreeswitchConfig } from './freeswitch-config.ts';

type Bridge = Extract<CallInstruction, { decision: 'bridge' }>;

const SIP_STATUS: Readonly<Record<Announcement, number>> = { neutral: 404, session_ended: 410 };

/**
 * What keeps the two apart, each a default that leaks: the callee's number in the 18x and 200 towards the caller
 * (`initial_callee_id_number`, `ignore_display_updates`), custom headers copied to the other leg, media that goes
 * past the switch.
 */
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: FreeSWITCH expands it, not JavaScript.
const APART: Readonly<Record<string, string>> = {
  // Expanded by the dialplan: the number that was dialled is all that the caller may see.
  initial_callee_id_number: '${destination_number}',
  initial_callee_id_name: '${destination_number}',
  ignore_display_updates: 'true',
  sip_copy_custom_headers: 'false',
  sip_copy_multipart: 'false',
  bypass_media: 'false',
  hangup_after_bridge: 'true',
};
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above.

/** Writes an instruction as a dialplan document, for mod_xml_curl. */
export function renderXmlCurlCall(instruction: CallInstruction, config: FreeswitchConfig): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge':
      return dialplan(
        config,
        ...Object.entries(APART).map(([name, value]) => action('set', `${name}=${value}`)),
        action('bridge', dialString(instruction, config)),
      );
    case 'announce': {
      const { announcement } = instruction;
      return dialplan(
        config,
        action('respond', `${SIP_STATUS[announcement]} ${ANNOUNCEMENTS[announcement]}`),
      );
    }
    case 'collect_pin':
    // A dialplan of one answer cannot ask back: who would have to key in a PIN is not connected.
    case 'reject':
      return dialplan(config, action('respond', '404 Not Found'));
    default:
      return assertNever(instruction);
  }
}

/** Writes an instruction as a working document, for mod_httapi. */
export function renderHttapiCall(instruction: CallInstruction, config: FreeswitchConfig): WebhookResponse {
  switch (instruction.decision) {
    case 'bridge': {
      const callerId = withoutPlus(instruction.callerId);
      const shown = { 'caller-id-name': callerId, 'caller-id-number': callerId };
      return work(element('dial', shown, dialString(instruction, config)), element('hangup'));
    }
    case 'announce':
      return work(
        element('speak', { engine: 'flite', voice: 'kal' }, ANNOUNCEMENTS[instruction.announcement]),
        element('hangup'),
      );
    case 'collect_pin':
    case 'reject':
      return work(element('hangup', { cause: 'UNALLOCATED_NUMBER' }));
    default:
      return assertNever(instruction);
  }
}

/** A document with nothing to do. */
export function renderEmptyWork(): WebhookResponse {
  return work();
}

/** Digits only: a caller id is pasted into a dial string, where a comma or a brace would be read as syntax. */
function dialString(bridge: Bridge, { gateway }: FreeswitchConfig): string {
  const callerId = withoutPlus(bridge.callerId);
  const variables = [
    `origination_caller_id_number=${callerId}`,
    `origination_caller_id_name=${callerId}`,
    'ignore_display_updates=true',
    'sip_copy_custom_headers=false',
    `leg_timeout=${bridge.ringTimeoutSeconds}`,
    `execute_on_answer='sched_hangup +${bridge.maxCallSeconds} allotted_timeout'`,
  ];
  return `{${variables.join(',')}}sofia/gateway/${gateway}/${withoutPlus(bridge.destination.reveal())}`;
}

function dialplan({ context = 'public' }: FreeswitchConfig, ...actions: XmlElement[]): WebhookResponse {
  const extension = element('extension', { name: 'maskline' }, element('condition', {}, ...actions));
  const section = element('section', { name: 'dialplan' }, element('context', { name: context }, extension));
  return respond(element('document', { type: 'freeswitch/xml' }, section));
}

function action(application: string, data: string): XmlElement {
  return element('action', { application, data });
}

function work(...steps: XmlElement[]): WebhookResponse {
  return respond(element('document', { type: 'xml/freeswitch-httapi' }, element('work', {}, ...steps)));
}

function respond(root: XmlElement): WebhookResponse {
  return { status: 200, contentType: 'text/xml', body: toXmlDocument(root) };
}
