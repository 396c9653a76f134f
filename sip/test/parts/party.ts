/** A person with a SIP phone of a test, and everything about them that nobody else may learn. */
export interface Party {
  readonly name: string;
  /** lower-case word that stands in every identifier which this party's phone makes up */
  readonly word: string;
  readonly number: string;
  readonly address: string;
}

// One loopback address a role, so that an address in a capture names its owner. Linux takes all of 127/8.
export const EDGE = '127.0.30.1';
export const MEDIA = '127.0.40.1';
export const STRANGER_ADDRESS = '127.0.66.1';

export const ALICE: Party = {
  name: 'Alice Realname',
  word: 'alicephone',
  number: '+447700900123',
  address: '127.0.10.1',
};
export const DAVE: Party = {
  name: 'Dave Truename',
  word: 'davephone',
  number: '+447700900456',
  address: '127.0.20.1',
};

/**
 * Everything that an innocent or a malicious phone could put its identity into. A test with clean messages
 * proves nothing.
 */
export function loadedHeaders(party: Party): string {
  const { name, number, address, word } = party;
  const uri = `sip:${number}@${address}`;
  const digits = number.slice(1);
  const hex = Buffer.from(number).toString('hex');
  const passport = Buffer.from(JSON.stringify({ orig: { tn: digits }, iss: address, name })).toString(
    'base64url',
  );
  return `P-Asserted-Identity: "${name}" <${uri}>
P-Preferred-Identity: "${name}" <${uri}>
Remote-Party-ID: "${name}" <${uri}>;party=calling;privacy=off
Diversion: <${uri}>;reason=unconditional
History-Info: <${uri}>;index=1
Referred-By: <${uri}>
Reply-To: "${name}" <${uri}>
Call-Info: <http://${address}/${digits}.jpg>;purpose=icon
Alert-Info: <http://${address}/${digits}.wav>
Error-Info: <${uri}>
Subject: ${name} ${number}
Organization: ${name} Ltd
User-Agent: ${word}/1.0 (${number})
Server: ${word}/1.0 (${number})
Warning: 399 ${address} "${name} ${number}"
Retry-After: 120 (${name} ${number})
Reason: Q.850;cause=16;text="${name} ${number}"
P-Charging-Vector: icid-value=${word};icid-generated-at=${address}
P-Charge-Info: <${uri}>
P-Access-Network-Info: IEEE-802.11;i-wlan-node-id=${digits}
User-to-User: ${hex};encoding=hex
Identity: eyJhbGciOiJFUzI1NiJ9.${passport}.c2ln;info=<http://${address}/>
Geolocation: <${uri}>
Session-ID: ${hex}00000000
In-Reply-To: ${word}@${address}
Accept-Contact: *;${word}
P-Associated-URI: <${uri}>
Authentication-Info: nextnonce="${word}"
Proxy-Authorization: Digest username="${number}",realm="${address}",nonce="1",uri="${uri}",response="0"
X-Customer: ${name} ${number} ${address}
Supported: ${word}
`;
}

/** An SDP that says who wrote it in every line that can. */
export function loadedSdp(party: Party, port: number, direction = 'sendrecv'): string {
  const { name, number, address, word } = party;
  return `v=0
o=${number} 1 1 IN IP4 ${address}
s=${name}
i=${name} ${number}
u=http://${address}/
e=${word}@${address}
p=${number}
c=IN IP4 ${address}
b=AS:64
t=0 0
a=tool:${word}
a=group:LS ${word}
m=audio ${port} RTP/AVP 8 101
i=${name}
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:${port + 1} IN IP4 ${address}
a=ssrc:1234 cname:${word}@${address}
a=candidate:1 1 UDP 1 ${address} ${port} typ host
a=label:${word}
a=msid:${word} ${number}
a=x-${word}:${number}
a=ptime:20
a=${direction}`;
}
