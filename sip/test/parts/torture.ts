import { ALICE, EDGE } from './party.ts';

/**
 * What may come back: `accepted` is a 2xx, `refused` a 4xx to 6xx, `silent` nothing at all. The RFC leaves much of it
 * to the receiver; an edge that refuses or drops what it need not understand is right.
 */
export type Answer = 'accepted' | 'refused' | 'silent';

export interface TortureMessage {
  /** section and name in RFC 4475 */
  readonly name: string;
  readonly text: string;
  readonly answers: readonly Answer[];
}

const R: readonly Answer[] = ['refused'];
const RS: readonly Answer[] = ['refused', 'silent'];
const S: readonly Answer[] = ['silent'];
const ALL: readonly Answer[] = ['accepted', 'refused', 'silent'];

const SDP = `v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
`;

interface Parts {
  readonly line?: string;
  readonly method?: string;
  readonly uri?: string;
  readonly via?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: string;
  readonly contact?: string;
  readonly more?: string;
  readonly body?: string;
  readonly length?: string;
  readonly type?: string;
}

/** A message as the RFC describes it, addressed to the edge by somebody whom it trusts. */
function request(name: string, parts: Parts): string {
  const method = parts.method ?? 'INVITE';
  const body = parts.body ?? '';
  const lines = [
    parts.line ?? `${method} ${parts.uri ?? `sip:user@${EDGE}`} SIP/2.0`,
    parts.via ?? `Via: SIP/2.0/UDP ${ALICE.address}:5060;branch=z9hG4bK-${name}`,
    parts.from ?? `From: <sip:caller@${ALICE.address}>;tag=${name}`,
    parts.to ?? `To: <sip:user@${EDGE}>`,
    parts.callId ?? `Call-ID: ${name}.torture@${ALICE.address}`,
    parts.cseq ?? `CSeq: 8 ${method}`,
    'Max-Forwards: 70',
    parts.contact ?? `Contact: <sip:caller@${ALICE.address}>`,
    ...(parts.more ? [parts.more] : []),
    ...(body ? [parts.type ?? 'Content-Type: application/sdp'] : []),
    parts.length ?? `Content-Length: ${body.replace(/\n/g, '\r\n').length}`,
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n\n${body}`;
}

const of = (name: string, answers: readonly Answer[], parts: Parts): TortureMessage => ({
  name,
  answers,
  text: request(name.split(' ').at(-1) ?? name, parts),
});

const noise = 'interesting-'.repeat(40);

/** All 49 messages of RFC 4475, written from its text. */
export const TORTURE: readonly TortureMessage[] = [
  // 3.1.1 Valid messages
  of('3.1.1.1 wsinv', RS, {
    line: `INVITE sip:vivekg@${EDGE};unknownparam SIP/2.0`,
    via: `Via  : SIP  /   2.0\n /UDP\n    ${ALICE.address};branch=390skdjuw\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239`,
    from: 'f:  "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8',
    to: `TO :\n sip:vivekg@${EDGE} ;   tag    = 1918181833n`,
    cseq: 'cseq: 0009\n  INVITE',
    more: 's :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
    contact:
      'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33',
    body: SDP,
  }),
  of('3.1.1.2 intmeth', RS, {
    line: `!interesting-Method0123456789_*+\`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@${EDGE} SIP/2.0`,
    from: 'From: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:extended@example.com>;tag=_token~1\'+`*%!-.',
    callId: `Call-ID: intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{`,
    cseq: "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
    more: "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb",
  }),
  of('3.1.1.3 esc01', R, {
    uri: `sip:sips%3Auser%40example.com@${EDGE}`,
    to: `To: sip:%75se%72@${EDGE}`,
    contact: 'Contact:\n  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>',
    body: SDP,
  }),
  of('3.1.1.4 escnull', RS, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    to: `To: sip:null-%00-null@${EDGE}`,
    from: `From: sip:null-%00-null@${EDGE};tag=839923423`,
    contact: 'Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>',
  }),
  of('3.1.1.5 esc02', RS, {
    method: 'RE%47IST%45R',
    uri: `sip:${EDGE}`,
    from: 'From: <sip:resource@example.com>;tag=f232jadfj23',
    contact: 'Contact: <sip:alias1@host1.example.com>\nContact: <sip:alias2@host2.example.com>',
  }),
  of('3.1.1.6 lwsdisp', ['accepted', 'refused'], {
    method: 'OPTIONS',
    from: 'From: caller<sip:caller@example.com>;tag=323',
  }),
  of('3.1.1.7 longreq', RS, {
    from: `From: "${noise}" <sip:user@example.com;${noise}=${noise}>;tag=12982424`,
    callId: `Call-ID: longreq.${'really'.repeat(60)}longcallid`,
    more: Array.from({ length: 60 }, (_, n) => `Unknown-${'long'.repeat(10)}-${n}: ${noise}`).join('\n'),
    via: `Via: SIP/2.0/UDP ${ALICE.address};branch=z9hG4bK-longreq\n${Array.from({ length: 30 }, (_, n) => `Via: SIP/2.0/TCP sip${n}.example.com`).join('\n')}`,
    body: SDP,
  }),
  of('3.1.1.8 dblreq', ALL, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    more: 'Foo: bar',
    length: `Content-Length: 0\n\nINVITE sip:joe@${EDGE} SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw\nFrom: <sip:caller@example.com>;tag=3413415\nTo: <sip:joe@example.com>\nCall-ID: dblreq.0ha0isnda977644900765@192.0.2.15\nCSeq: 8 INVITE\nMax-Forwards: 0\nContent-Length: 0`,
  }),
  of('3.1.1.9 semiuri', ['accepted', 'refused'], {
    method: 'OPTIONS',
    uri: `sip:user;par=u%40example.net@${EDGE}`,
    contact: '',
  }),
  of('3.1.1.10 transports', ['accepted', 'refused', 'silent'], {
    method: 'OPTIONS',
    contact: '',
    via: `Via: SIP/2.0/UDP ${ALICE.address};branch=z9hG4bK-transports\nVia: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\nVia: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\nVia: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee`,
  }),
  of('3.1.1.11 mpart01', R, {
    method: 'MESSAGE',
    contact: '',
    type: 'Content-Type: multipart/mixed;boundary=7a9cbec02ceef655',
    body: '--7a9cbec02ceef655\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n--7a9cbec02ceef655\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n0\x82\x01R\x06\x09*\x86H\n--7a9cbec02ceef655--\n',
  }),
  of('3.1.1.12 unreason', S, {
    line: 'SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe',
    contact: '',
  }),
  of('3.1.1.13 noreason', S, { line: 'SIP/2.0 100 ', contact: '' }),
  // 3.1.2 Invalid messages
  of('3.1.2.1 badinv01', RS, {
    via: `Via: SIP/2.0/UDP ${ALICE.address};;,;,,\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,`,
    from: 'From: "Joe" <sip:joe@example.org>;;;;',
    to: `To: "J Rosenberg" <sip:jdrosen@${EDGE}>;;;;,,`,
    contact: 'Contact: "Joe" <sip:joe@example.org>;;;;',
    body: SDP,
  }),
  of('3.1.2.2 clerr', RS, { body: SDP, length: 'Content-Length: 9999' }),
  of('3.1.2.3 ncl', RS, { body: SDP, length: 'Content-Length: -999' }),
  of('3.1.2.4 scalar02', RS, {
    method: 'REGISTER',
    via: `Via: SIP/2.0/UDP ${ALICE.address};branch=z9hG4bK-scalar02;ttl=2147483648`,
    cseq: 'CSeq: 36893488147419103232 REGISTER',
    more: 'Max-Forwards: 300\nExpires: 10000000000000000000000000000000',
    contact: 'Contact: <sip:user@host129.example.com>\n  ;expires=280297596632815',
  }),
  of('3.1.2.5 scalarlg', S, {
    line: 'SIP/2.0 503 Service Unavailable',
    cseq: 'CSeq: 9292394834772304023312 OPTIONS',
    more: 'Retry-After: 949302838503028349304023988\nWarning: 1812 overture "In Progress"',
    contact: '',
  }),
  of('3.1.2.6 quotbal', RS, { to: `To: "Mr. J. User <sip:j.user@${EDGE}>`, body: SDP }),
  of('3.1.2.7 ltgtruri', RS, { line: `INVITE <sip:user@${EDGE}> SIP/2.0`, body: SDP }),
  of('3.1.2.8 lwsruri', RS, { line: `INVITE sip:user@${EDGE}; lr SIP/2.0`, body: SDP }),
  of('3.1.2.9 lwsstart', RS, { line: `INVITE  sip:user@${EDGE}  SIP/2.0`, body: SDP }),
  of('3.1.2.10 trws', RS, { line: `OPTIONS sip:remote-target@${EDGE} SIP/2.0  `, contact: '' }),
  of('3.1.2.11 escruri', RS, { uri: `sip:user@${EDGE}?Route=%3Csip:example.com%3E`, body: SDP }),
  of('3.1.2.12 baddate', RS, { more: 'Date: Fri, 01 Jan 2010 16:00:00 EST', body: SDP }),
  of('3.1.2.13 regbadct', RS, {
    method: 'REGISTER',
    contact: `Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E`,
  }),
  of('3.1.2.14 badaspec', ['accepted', 'refused', 'silent'], {
    line: `OPTIONS sip:user@${EDGE} SIP/2.0`,
    cseq: 'CSeq: 329 OPTIONS',
    to: `To: "Watson, Thomas" < sip:t.watson@${EDGE} >`,
    from: 'From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=43',
    contact: '',
  }),
  of('3.1.2.15 baddn', ['accepted', 'refused', 'silent'], {
    method: 'OPTIONS',
    from: 'From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43',
    to: `To: Watson, Thomas <sip:t.watson@${EDGE}>`,
    contact: '',
  }),
  of('3.1.2.16 badvers', RS, {
    line: `OPTIONS sip:t.watson@${EDGE} SIP/7.0`,
    via: `Via: SIP/7.0/UDP ${ALICE.address};branch=z9hG4bKkdjuw`,
    contact: '',
  }),
  of('3.1.2.17 mismatch01', RS, { method: 'OPTIONS', cseq: 'CSeq: 8 INVITE', contact: '' }),
  of('3.1.2.18 mismatch02', RS, { method: 'NEWMETHOD', cseq: 'CSeq: 8 INVITE', body: SDP }),
  of('3.1.2.19 bigcode', S, { line: 'SIP/2.0 4294967301 better not break the receiver', contact: '' }),
  // 3.2 Transaction layer semantics
  of('3.2.1 badbranch', ['accepted', 'refused', 'silent'], {
    method: 'OPTIONS',
    via: `Via: SIP/2.0/UDP ${ALICE.address};branch=z9hG4bK`,
    contact: '',
  }),
  // 3.3 Application-layer semantics
  of('3.3.1 insuf', RS, { from: '', to: '', callId: '', body: SDP }),
  of('3.3.2 unkscm', RS, { line: `OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0`, contact: '' }),
  of('3.3.3 novelsc', RS, { line: 'OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0', contact: '' }),
  of('3.3.4 unksm2', RS, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    to: 'To: isbn:2983792873',
    from: 'From: <http://www.example.com>;tag=3234233',
    contact: 'Contact: <name:John_Smith>',
  }),
  of('3.3.5 bext01', ['accepted', 'refused'], {
    method: 'OPTIONS',
    more: 'Require: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis',
    contact: '',
  }),
  of('3.3.6 invut', R, {
    type: 'Content-Type: application/unknownformat',
    body: '<audio>\n <pcmu port="443"/>\n</audio>\n',
  }),
  of('3.3.7 regaut01', R, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    more: 'Authorization: NoOneKnowsThisScheme opaque-data=here',
  }),
  of('3.3.8 multi01', RS, {
    from: 'From: sip:caller1@example.com;tag=1\nFrom: sip:caller2@example.net;tag=2',
    to: `To: sip:user@${EDGE}\nTo: sip:other@example.net`,
    callId: 'Call-ID: multi01.1@example.com\nCall-ID: multi01.2@example.com',
    cseq: 'CSeq: 5 INVITE\nCSeq: 59 INVITE',
    more: 'Max-Forwards: 5',
    body: SDP,
  }),
  of('3.3.9 mcl01', RS, {
    method: 'OPTIONS',
    contact: '',
    body: 'There is no body',
    length: 'Content-Length: 13\nContent-Length: 5',
  }),
  of('3.3.10 bcast', S, {
    line: 'SIP/2.0 200 OK',
    via: `Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23`,
    body: SDP,
  }),
  of('3.3.11 zeromf', ['accepted', 'refused'], { method: 'OPTIONS', more: 'X: 1', contact: '' }),
  of('3.3.12 cparam01', R, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    contact: 'Contact: sip:+19725552222@gw1.example.net;unknownparam',
  }),
  of('3.3.13 cparam02', R, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    contact: 'Contact: <sip:+19725552222@gw1.example.net;unknownparam>',
  }),
  of('3.3.14 regescrt', R, {
    method: 'REGISTER',
    uri: `sip:${EDGE}`,
    contact: 'Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>',
  }),
  of('3.3.15 sdp01', RS, { more: 'Accept: text/nobodyKnowsThis', body: SDP }),
  // 3.4 Backward compatibility
  of('3.4.1 inv2543', RS, {
    via: `Via: SIP/2.0/UDP ${ALICE.address}`,
    from: 'From: sip:caller@example.com',
    contact: '',
    body: SDP,
  }),
];
