import { createHmac } from 'node:crypto';

/** As `real-app.ts` has it, which a client need not load. */
const ACCOUNT = { id: 'acc_1', pathSecret: 'p'.repeat(22) };
export const PUBLIC_URL = 'https://masked.example.com';
export const ACCOUNT_SID = `AC${'0'.repeat(32)}`;
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
export const PATH = `/webhooks/twilio/${ACCOUNT.id}/${ACCOUNT.pathSecret}/answer`;
/** of somebody who knows an account and not its secret */
const WRONG_PATH = `/webhooks/twilio/${ACCOUNT.id}/${'q'.repeat(22)}/answer`;

/** who dials what */
export type FloodCall = readonly [from: string, to: string];

let asked = 0;

/** A question as Twilio asks it, on the wire; each about another call. */
export function genuineRequest(call: FloodCall): Uint8Array {
  return request(PATH, call, AUTH_TOKEN);
}

/** The same, signed with a key that is not Twilio's. */
export function forgedRequest(call: FloodCall, path: 'right' | 'wrong'): Uint8Array {
  return request(path === 'right' ? PATH : WRONG_PATH, call, 'f'.repeat(32));
}

function request(path: string, [from, to]: FloodCall, key: string): Uint8Array {
  const fields: Record<string, string> = {
    AccountSid: ACCOUNT_SID,
    ApiVersion: '2010-04-01',
    CallSid: `CA${(process.pid * 2 ** 24 + asked++).toString(16).padStart(32, '0')}`,
    CallStatus: 'ringing',
    Called: to,
    Caller: from,
    Direction: 'inbound',
    From: from,
    To: to,
  };
  const text = Object.keys(fields)
    .sort()
    .reduce((joined, name) => joined + name + fields[name], PUBLIC_URL + path);
  const signature = createHmac('sha1', key).update(text).digest('base64');
  const body = new URLSearchParams(fields).toString();
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      'Host: masked.example.com',
      'User-Agent: TwilioProxy/1.1',
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      `X-Twilio-Signature: ${signature}`,
      '',
      body,
    ].join('\r\n'),
  );
}
