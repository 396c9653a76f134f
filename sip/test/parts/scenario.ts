import { loadedHeaders, loadedSdp, type Party } from './party.ts';

// Scripts for sipp, written as steps. `caller…` steps are for the phone that dials, `callee…` for the one that rings.

export type Step = string;

const sdpOf = (party: Party): string => loadedSdp(party, party.word === 'alicephone' ? 6000 : 6100);

/** Lines of a message; sipp fills in what stands in brackets. */
function message(lines: string, body = '', type = 'application/sdp'): string {
  const content = body === '' ? '' : `Content-Type: ${type}\n`;
  return `<![CDATA[\n\n${lines.trim()}\n${content}Content-Length: ${body === '' ? '0' : '[len]'}\n\n${body}\n]]>`;
}

function send(text: string, attributes = ''): Step {
  return `<send${attributes}>${text}</send>`;
}

export function pause(milliseconds: number): Step {
  return `<pause milliseconds="${milliseconds}"/>`;
}

export function receive(
  what: number | string,
  options: { optional?: boolean; timeoutMs?: number; learn?: boolean } = {},
): Step {
  const kind = typeof what === 'number' ? `response="${what}"` : `request="${what}"`;
  const optional = options.optional ? ' optional="true"' : '';
  const timeout = options.timeoutMs ? ` timeout="${options.timeoutMs}"` : '';
  const learn = options.learn === false ? '' : ' rrs="true"';
  return `<recv ${kind}${optional}${timeout}${learn}></recv>`;
}

export interface Dialling {
  readonly from: Party;
  /** what is dialled */
  readonly to: string;
}

const VIA = 'Via: SIP/2.0/UDP [local_ip]:[local_port];rport;branch=[branch]';
/** INVITE, its CANCEL and the ACK of its refusal share one branch (RFC 3261, 9.1 and 17.1.1.3). */
const FIRST_VIA = 'Via: SIP/2.0/UDP [local_ip]:[local_port];rport;branch=z9hG4bK-[pid]-first-[call_number]';

function opening(method: string, { from, to }: Dialling, cseq: number, ruri: string, toTag: string): string {
  return `${method} ${ruri} SIP/2.0
${cseq === 1 && toTag !== '[peer_tag_param]' ? FIRST_VIA : VIA}
From: "${from.name}" <sip:${from.number}@[local_ip]:[local_port]>;tag=${from.word}-[pid]-[call_number]
To: "${to}" <sip:${to}@[remote_ip]:[remote_port]>${toTag}
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Max-Forwards: 70`;
}

const contact = (party: Party): string =>
  `Contact: "${party.name}" <sip:${party.number}@[local_ip]:[local_port]>`;

/** Steps of the phone that dials. */
export class CallerSteps {
  readonly #dialling: Dialling;
  #cseq = 1;

  constructor(dialling: Dialling) {
    this.#dialling = dialling;
  }

  invite(options: { pai?: boolean; from?: string; extra?: string } = {}): Step {
    const { from, to } = this.#dialling;
    const headers =
      options.pai === false ? loadedHeaders(from).replace(/^P-Asserted.*\n/m, '') : loadedHeaders(from);
    let first = opening('INVITE', this.#dialling, this.#cseq, `sip:${to}@[remote_ip]:[remote_port]`, '');
    if (options.from) first = first.replace(/From: .*;tag/, `From: ${options.from};tag`);
    return send(
      message(`${first}\n${contact(from)}\n${headers}${options.extra ?? ''}`, sdpOf(from)),
      ' retrans="500"',
    );
  }

  text(body: string): Step {
    const { from, to } = this.#dialling;
    const first = opening('MESSAGE', this.#dialling, this.#cseq, `sip:${to}@[remote_ip]:[remote_port]`, '');
    return send(message(`${first}\n${loadedHeaders(from)}`, body, 'text/plain'), ' retrans="500"');
  }

  ack(): Step {
    return send(message(`${this.#inCall('ACK', this.#cseq)}\n${loadedHeaders(this.#dialling.from)}`));
  }

  /** The ACK of a refusal belongs to the INVITE's own transaction. */
  ackRefusal(): Step {
    const { to } = this.#dialling;
    const first = opening(
      'ACK',
      this.#dialling,
      this.#cseq,
      `sip:${to}@[remote_ip]:[remote_port]`,
      '[peer_tag_param]',
    );
    return send(message(first.replace(VIA, FIRST_VIA)));
  }

  cancel(): Step {
    const { from, to } = this.#dialling;
    const first = opening('CANCEL', this.#dialling, this.#cseq, `sip:${to}@[remote_ip]:[remote_port]`, '');
    return send(message(`${first}\nReason: SIP;cause=487;text="${from.name} ${from.number}"`));
  }

  /** re-INVITE, UPDATE, INFO, REFER or BYE */
  request(method: string, body: 'sdp' | 'dtmf' | 'none' = 'none'): Step {
    this.#cseq++;
    const { from } = this.#dialling;
    const head = `${this.#inCall(method, this.#cseq)}\n${contact(from)}\n${loadedHeaders(from)}`;
    if (body === 'sdp') return send(message(head, sdpOf(from)), ' retrans="500"');
    if (body === 'dtmf')
      return send(message(head, 'Signal=5\nDuration=160', 'application/dtmf-relay'), ' retrans="500"');
    return send(message(head), ' retrans="500"');
  }

  #inCall(method: string, cseq: number): string {
    return opening(method, this.#dialling, cseq, '[next_url]', '[peer_tag_param]').replace(
      VIA,
      `${VIA}\n[routes]`,
    );
  }
}

/** Steps of the phone that rings. It remembers the INVITE, so that it can speak first afterwards. */
export class CalleeSteps {
  readonly #party: Party;
  #cseq = 100;

  constructor(party: Party) {
    this.#party = party;
  }

  invite(): Step {
    return `<recv request="INVITE" crlf="true" rrs="true"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" assign_to="target"/>
<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>
</action></recv>`;
  }

  /** An answer to what came last; 2xx and 1xx to an INVITE may carry an SDP. */
  answer(status: number, options: { sdp?: boolean; reason?: string; extra?: string } = {}): Step {
    const { name, number } = this.#party;
    // A reason phrase is free text, too.
    const head = `SIP/2.0 ${status} ${options.reason ?? `${name} ${number}`}
[last_Via:]
[last_From:]
[last_To:];tag=${this.#party.word}-[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
${options.extra ?? `${contact(this.#party)}\n`}${loadedHeaders(this.#party)}`;
    return send(message(head, options.sdp ? sdpOf(this.#party) : ''), status < 200 || options.sdp ? '' : '');
  }

  /** To a request inside the call, whose To has its tag already. */
  answerInCall(status: number, options: { sdp?: boolean } = {}): Step {
    return this.answer(status, options).replace(/\[last_To:\];tag=\S+/, '[last_To:]');
  }

  /** 487 to the INVITE, after the CANCEL was answered. */
  terminated(): Step {
    const { name, number, word } = this.#party;
    return send(
      message(`SIP/2.0 487 ${name} ${number}
Via: [$via]
From: [$from]
To: [$to];tag=${word}-[pid]-[call_number]
[last_Call-ID:]
CSeq: [$cseq] INVITE
${loadedHeaders(this.#party)}`),
      ' retrans="500"',
    );
  }

  /** re-INVITE, UPDATE, INFO or BYE by the side that was called */
  request(method: string, body: 'sdp' | 'none' = 'none'): Step {
    this.#cseq++;
    const head = `${this.#inCall(method)}\n${contact(this.#party)}\n${loadedHeaders(this.#party)}`;
    return send(message(head, body === 'sdp' ? sdpOf(this.#party) : ''), ' retrans="500"');
  }

  ack(): Step {
    return send(message(`${this.#inCall('ACK')}\n${loadedHeaders(this.#party)}`));
  }

  #inCall(method: string): string {
    return `${method} [$target] SIP/2.0
${VIA}
From: [$to];tag=${this.#party.word}-[pid]-[call_number]
To: [$from]
Call-ID: [call_id]
CSeq: ${this.#cseq} ${method}
Max-Forwards: 70`;
  }
}

export function scenario(steps: readonly Step[]): string {
  const body = steps.join('\n');
  const names = ['from', 'to', 'target', 'via', 'cseq'].filter((name) =>
    body.includes(`assign_to="${name}"`),
  );
  const used = names.length === 0 ? '' : `<Reference variables="${names.join(',')}"/>`;
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="maskline">\n${body}\n${used}\n</scenario>\n`;
}
