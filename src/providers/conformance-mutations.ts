import type { WebhookRequest } from './provider.ts';

/** A part of a request that its proof covers. */
export type CoveredPart = 'method' | 'origin' | 'path' | 'query' | 'body';

export interface MutationOptions {
  /** the headers that carry the proof, in lower case */
  readonly proofHeaders: readonly string[];
  readonly covers: ReadonlySet<CoveredPart>;
}

/**
 * Every way in which a genuine request is changed and must not be believed any more, by name. A change that
 * leaves the request as it was (the case of a number, say) is not in the list.
 */
export function mutationsOf(genuine: WebhookRequest, options: MutationOptions): Map<string, WebhookRequest> {
  const { covers, proofHeaders } = options;
  const mutations = new Map<string, WebhookRequest>();
  const add = (name: string, change: Partial<WebhookRequest>): void => {
    const mutated = { ...genuine, ...change };
    if (!isSame(genuine, mutated)) mutations.set(name, mutated);
  };
  for (const header of proofHeaders) {
    for (const [name, value] of headerMutations(genuine.headers[header] ?? '')) {
      add(`${header} ${name}`, { headers: { ...genuine.headers, [header]: value } });
    }
  }
  add('no proof at all', {
    headers: { ...genuine.headers, ...Object.fromEntries(proofHeaders.map((header) => [header, undefined])) },
  });
  if (covers.has('method')) {
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', genuine.method.toLowerCase()]) {
      add(`method ${method}`, { method });
    }
  }
  for (const [name, url] of urlMutations(genuine.url, covers)) add(name, { url });
  if (covers.has('body')) {
    for (const [name, rawBody] of bodyMutations(genuine.rawBody)) add(name, { rawBody });
  }
  return mutations;
}

function* headerMutations(value: string): Iterable<[string, string | undefined]> {
  yield ['is missing', undefined];
  yield ['is empty', ''];
  yield ['is the word undefined', 'undefined'];
  yield ['is repeated', `${value}, ${value}`];
  yield ['starts otherwise', other(value.charAt(0)) + value.slice(1)];
  yield ['differs in the middle', replaceAt(value, value.length >> 1)];
  yield ['ends otherwise', replaceAt(value, value.length - 1)];
  yield ['lacks its end', value.slice(0, -1)];
  yield ['lacks its second half', value.slice(0, value.length >> 1)];
  yield ['is longer', `${value}0`];
  yield ['has the other case', swapCase(value)];
  yield ['runs backwards', [...value].reverse().join('')];
  yield ['is all zeros', value.replace(/[0-9a-zA-Z]/g, '0')];
}

function* urlMutations(url: string, covers: ReadonlySet<CoveredPart>): Iterable<[string, string]> {
  const { protocol, host, pathname: path, search } = new URL(url);
  const origin = `${protocol}//${host}`;
  if (covers.has('path')) {
    yield ['path with a slash at the end', `${origin}${path}/${search}`];
    yield ['path without its end', origin + path.slice(0, -1) + search];
    yield ['path with a double slash', `${origin}/${path}${search}`];
    yield ['path in upper case', origin + path.toUpperCase() + search];
    yield ['path with a dot segment', `${origin}/.${path}${search}`];
    yield ['path with an escaped letter', origin + escapeLast(path) + search];
    yield ['another path', `${origin}/other${search}`];
  }
  if (covers.has('query')) {
    yield ['one more parameter', `${url}${search ? '&' : '?'}a=1`];
    yield ['an empty query', `${origin}${path}?`];
    yield ['an ampersand', `${url}${search ? '' : '?'}&`];
  }
  if (covers.has('origin')) {
    yield ['another host', `${protocol}//other.example${path}${search}`];
    yield ['another port', `${protocol}//${host.replace(/:\d+$/, '')}:4444${path}${search}`];
    yield ['another scheme', url.replace(/^https?/, protocol === 'https:' ? 'http' : 'https')];
  }
}

function* bodyMutations(body: Uint8Array): Iterable<[string, Uint8Array]> {
  const text = new TextDecoder().decode(body);
  yield ['no body', new Uint8Array()];
  yield ['body with a space in front', encode(` ${text}`)];
  yield ['body with a line feed at the end', encode(`${text}\n`)];
  yield ['body with a byte order mark', Uint8Array.from([0xef, 0xbb, 0xbf, ...body])];
  yield ['body without its last byte', body.slice(0, -1)];
  yield ['body twice', encode(text + text)];
  yield ['body backwards', Uint8Array.from([...body].reverse())];
  yield ['body with another digit', encode(text.replace(/[0-9]/, (digit) => other(digit)))];
  yield ['body in upper case', encode(text.toUpperCase())];
  yield [
    'body with a field more',
    encode(text.endsWith('}') ? text.replace(/}$/, ',"a":1}') : `${text}&a=1`),
  ];
  for (let part = 0; part < 12; part++) {
    const flipped = Uint8Array.from(body);
    const at = Math.floor((part * body.length) / 12);
    const byte = flipped[at];
    if (byte === undefined) continue;
    flipped[at] = byte ^ (1 << (part % 8));
    yield [`body with bit ${part % 8} of byte ${at} flipped`, flipped];
  }
}

function other(character: string): string {
  return character === '1' ? '2' : '1';
}

function replaceAt(text: string, at: number): string {
  return text.slice(0, at) + other(text.charAt(at)) + text.slice(at + 1);
}

function swapCase(text: string): string {
  return [...text].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join('');
}

function escapeLast(path: string): string {
  const code = path
    .charCodeAt(path.length - 1)
    .toString(16)
    .toUpperCase();
  return `${path.slice(0, -1)}%${code.padStart(2, '0')}`;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function isSame(a: WebhookRequest, b: WebhookRequest): boolean {
  return (
    a.method === b.method &&
    a.url === b.url &&
    upperEscapes(a.rawBody) === upperEscapes(b.rawBody) &&
    Object.keys({ ...a.headers, ...b.headers }).every((name) => a.headers[name] === b.headers[name])
  );
}

/** `%2b` is `%2B` (RFC 3986, section 2.1), so a proof over what a form says covers both. */
function upperEscapes(body: Uint8Array): string {
  return Buffer.from(body)
    .toString('latin1')
    .replace(/%[0-9a-f]{2}/gi, (triplet) => triplet.toUpperCase());
}
