import { createHmac } from 'node:crypto';
import { ACCOUNT_SID, AUTH_TOKEN, PATH, PUBLIC_URL } from './servers.ts';
import type { Caller } from './town.ts';

let calls = 0;

/** A webhook as Twilio sends it: every one is another call. */
export function answerRequest({ callingNumber, virtualNumber }: Caller): Uint8Array {
  const fields = {
    AccountSid: ACCOUNT_SID,
    ApiVersion: '2010-04-01',
    CallSid: `CA${process.pid.toString(16).padStart(8, '0')}${String(++calls).padStart(24, '0')}`,
    CallStatus: 'ringing',
    Called: virtualNumber,
    Caller: callingNumber,
    Direction: 'inbound',
    From: callingNumber,
    FromCity: 'WASHINGTON',
    FromCountry: 'US',
    FromState: 'DC',
    FromZip: '',
    StirVerstat: 'TN-Validation-Passed-A',
    To: virtualNumber,
    ToCity: 'DENVER',
    ToCountry: 'US',
    ToState: 'CO',
    ToZip: '',
  };
  // The names are in order, as they are signed.
  let signed = PUBLIC_URL + PATH;
  for (const [name, value] of Object.entries(fields)) signed += name + value;
  const body = new URLSearchParams(fields).toString();
  const head = [
    `POST ${PATH} HTTP/1.1`,
    'Host: maskline.example',
    'User-Agent: TwilioProxy/1.1',
    'Accept: */*',
    'Content-Type: application/x-www-form-urlencoded; charset=UTF-8',
    `X-Twilio-Signature: ${createHmac('sha1', AUTH_TOKEN).update(signed).digest('base64')}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
