import { createHmac } from 'node:crypto';
import { ACCOUNT } from '../src/http/testing/real-app.ts';

export const PUBLIC_URL = 'https://masked.example.com';
export const ACCOUNT_SID = `AC${'0'.repeat(32)}`;
export const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
export const PATH = `/webhooks/twilio/${ACCOUNT.id}/${ACCOUNT.pathSecret}/answer`;

let calls = 0;

/** A question as Twilio asks it, on the wire; each about another call. */
export function question(dialled: string, genuine: boolean): { body: string; signature: string } {
  const fields: Record<string, string> = {
    AccountSid: ACCOUNT_SID,
    ApiVersion: '2010-04-01',
    CallSid: `CA${(calls++).toString(16).padStart(32, '0')}`,
    CallStatus: 'ringing',
    Called: dialled,
    Caller: '+12025550123',
    Direction: 'inbound',
    From: '+12025550123',
    To: dialled,
  };
  const text = Object.keys(fields)
    .sort()
    .reduce((joined, name) => joined + name + fields[name], PUBLIC_URL + PATH);
  const signature = createHmac('sha1', genuine ? AUTH_TOKEN : 'f'.repeat(32))
    .update(text)
    .digest('base64');
  return { body: new URLSearchParams(fields).toString(), signature };
}
