import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Names that stand for networks, as the rest of the HTTP side reads them too. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.1/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};
/** Proxies in a row that are looked through; the header is the sender's to fill. */
const HOPS_MAXIMUM = 20;

/**
 * Says where a request comes from: the connection's address or, behind proxies that are trusted, the last address
 * in `X-Forwarded-For` that is none of theirs. What stands further left was said by strangers.
 * @throws Error for an entry that is no address, no CIDR block and no name of a network
 */
export function senderAddressReader(trusted: readonly string[]): (raw: IncomingMessage) => string {
  if (trusted.length === 0) return (raw) => raw.socket.remoteAddress ?? '';
  const list = new BlockList();
  for (const entry of trusted.flatMap((entry) => NAMED[entry] ?? [entry])) trust(list, entry);
  return (raw) => {
    let address = raw.socket.remoteAddress ?? '';
    const header = raw.headers['x-forwarded-for'];
    if (header === undefined || !isIn(list, address)) return address;
    const hops = String(header).split(',');
    for (const hop of hops.slice(-HOPS_MAXIMUM).reverse()) {
      address = hop.trim();
      if (!isIn(list, address)) break;
    }
    return address;
  };
}

function trust(list: BlockList, entry: string): void {
  const [network = '', bits] = entry.split('/');
  const version = isIP(network);
  const length = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? length : /^[0-9]{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (version === 0 || !(prefix <= length)) {
    throw new Error(`The trusted proxy "${entry}" is no address, no CIDR block and no name of a network.`);
  }
  list.addSubnet(network, prefix, version === 6 ? 'ipv6' : 'ipv4');
}

function isIn(list: BlockList, address: string): boolean {
  // A socket that listens on :: shows an IPv4 peer so.
  const plain = address.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
}
