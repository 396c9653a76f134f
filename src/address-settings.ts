import { isIP } from 'node:net';
import type { SettingsReader } from './settings-reader.ts';

const PORT_MAXIMUM = 65_535;
/** What Fastify takes besides addresses and blocks. */
const NAMED_NETWORKS: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Where providers reach the service. What they sign is this and the path that they call, so it has none of its own. */
export function readPublicUrl(reader: SettingsReader, fallback: string): string {
  const text = reader.url('MASKLINE_PUBLIC_URL', fallback);
  const url = new URL(text);
  if (url.origin !== text.toLowerCase() && `${url.origin}:${url.port || defaultPort(url)}` !== text) {
    reader.violate(
      'MASKLINE_PUBLIC_URL must be scheme, host and port only, such as https://masking.example.com.',
    );
  }
  return text;
}

function defaultPort({ protocol }: URL): string {
  return protocol === 'https:' ? '443' : '80';
}

export function readTrustedProxies(reader: SettingsReader): readonly string[] {
  const proxies = reader.list('MASKLINE_TRUSTED_PROXIES');
  for (const proxy of proxies) {
    if (!isNetwork(proxy)) {
      reader.violate(
        `MASKLINE_TRUSTED_PROXIES names "${proxy}". Give addresses, CIDR blocks, loopback, linklocal or uniquelocal, separated by commas.`,
      );
    }
  }
  return proxies;
}

function isNetwork(text: string): boolean {
  if (NAMED_NETWORKS.has(text)) return true;
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  if (family === 4 && isIP(bits) === 4) return true;
  return /^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32);
}

/** One host or several, each with its port or without, as libpq reads it; nothing of it is quoted. */
export function readDatabaseUrl(reader: SettingsReader): string | null {
  const url = reader.optional('DATABASE_URL');
  if (url === null) return null;
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url) ?? [];
  if (rest === undefined) {
    reader.violate('DATABASE_URL must begin with postgres:// or postgresql://.');
    return url;
  }
  const [authority = ''] = rest.split(/[/?#]/);
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',');
  if (hosts.some((host) => !hasGoodPort(host))) {
    reader.violate(
      'DATABASE_URL names a port that is none. In a user name or password, write @ : / ? # as %40 %3A %2F %3F %23.',
    );
  }
  return url;
}

function hasGoodPort(host: string): boolean {
  const [, port] = /^(?:\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(host) ?? [];
  return port === undefined || isPort(port);
}

export function isBroker(text: string): boolean {
  const [, port = ''] = /^[^:\s]+:([0-9]{1,5})$/.exec(text) ?? [];
  return isPort(port);
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= PORT_MAXIMUM;
}
