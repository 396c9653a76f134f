import { isIP } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

const PORTS: ReadonlySet<string> = new Set(['', '443', '8443']);
export const WEBHOOK_URL_LENGTH = 500;

export interface UrlPolicy {
  /** In development a webhook may lead to this machine, by http and on any port. */
  readonly allowLoopback: boolean;
}

/** The host as it is connected to: without the brackets of an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/**
 * What is wrong with the URL of a webhook, or null. Addresses behind a name are judged when they are connected to.
 * The parser has turned decimal, octal and hexadecimal spellings of IPv4 into the usual one.
 */
export function refuseWebhookUrl(text: string, { allowLoopback }: UrlPolicy): string | null {
  if (text.length > WEBHOOK_URL_LENGTH || !URL.canParse(text)) return 'is no URL of up to 500 characters';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must hold no user name or password';
  if (url.hash !== '') return 'must hold no fragment';
  const host = hostOf(url);
  if (allowLoopback && (host === 'localhost' || isLoopbackAddress(host))) {
    return /^https?:$/.test(url.protocol) ? null : 'must begin with https://';
  }
  if (url.protocol !== 'https:') return 'must begin with https://';
  if (!PORTS.has(url.port)) return 'must be on port 443 or 8443';
  // A name without a dot, or one of a private zone, is found by the resolver of our own network only.
  if (isIP(host) === 0 && !/^[^.].*\.[^.]+$/.test(host.replace(/\.$/, '')))
    return 'must have a full host name';
  if (/(^|\.)(localhost|local|internal|localdomain|home\.arpa)\.?$/i.test(host)) return 'must be public';
  if (isIP(host) !== 0 && !isPublicAddress(host)) return 'must be public';
  return null;
}
