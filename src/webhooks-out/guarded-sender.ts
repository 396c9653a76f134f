import { lookup } from 'node:dns/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';
import { createResolveHost } from './resolve-host.ts';
import { hostOf, refuseWebhookUrl, type UrlPolicy } from './webhook-url.ts';
import { WebhookRefused, type WebhookRequest, type WebhookSender } from './webhook-sender.ts';

/** More than that of an answer is not read away: the connection is closed. */
const ANSWER_BYTES_MAXIMUM = 64 * 1024;

/** All addresses of a name, in the order in which they should be tried; rejects soon after `signal` aborts. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/**
 * A sender that cannot be made to talk to our own network: the name is resolved once, every address that it has
 * must be public, and the connection goes to one of these very addresses, so that a second answer of the name
 * server has no say. Node's `fetch` would resolve by itself. Nothing is kept alive, and no redirect is followed.
 */
export function createGuardedSender(
  policy: UrlPolicy,
  resolve: Resolve = policy.allowLoopback ? lookUpHere : createResolveHost(),
): WebhookSender {
  return async (request, signal) => {
    const refusal = refuseWebhookUrl(request.url, policy);
    if (refusal !== null) throw new WebhookRefused(`The URL ${refusal}.`);
    const url = new URL(request.url);
    const host = hostOf(url);
    const addresses = isIP(host) === 0 ? await resolve(host, signal) : [host];
    const [address] = addresses;
    const allowed = (one: string) => isPublicAddress(one) || (policy.allowLoopback && isLoopbackAddress(one));
    if (address === undefined || !addresses.every(allowed)) {
      throw new WebhookRefused('The host has an address that is not public.');
    }
    return post(url, address, request, signal);
  };
}

/** In development, where `localhost` is a name too: as this machine knows it. */
async function lookUpHere(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function post(
  url: URL,
  address: string,
  { headers, body }: WebhookRequest,
  signal: AbortSignal,
): Promise<{ status: number }> {
  const secure = url.protocol === 'https:';
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      host: address,
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
      // The certificate must be of the name, though the connection goes to the address.
      ...(secure && isIP(host) === 0 && { servername: host }),
      agent: false as const,
      signal,
      // An address is never looked up. Should it be after all, nothing is found.
      lookup: () => reject(new WebhookRefused('An address was looked up again.')),
    };
    const sending = (secure ? requestHttps : requestHttp)(options, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > ANSWER_BYTES_MAXIMUM) response.destroy();
      });
      response.on('error', () => {});
      response.on('close', () => resolve({ status: response.statusCode ?? 0 }));
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
