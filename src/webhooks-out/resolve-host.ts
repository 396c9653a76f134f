import { Resolver } from 'node:dns/promises';

/** Of each question to one name server; with two tries, an attempt at a delivery has seconds left. */
const TIMEOUT_MS = 2_500;
const TRIES = 2;

export interface ResolveHostOptions {
  /** `address:port` each; default: those of the system */
  readonly servers?: readonly string[];
}

/**
 * All addresses of a name, IPv4 first, as the name servers say and not as this machine knows it: neither its file of hosts
 * nor its search domains count, by which a name could mean something of our own network. Unlike `dns.lookup` it takes none of
 * the four threads that the whole process shares, so that tenants whose name servers are silent keep nobody waiting.
 */
export function createResolveHost(options: ResolveHostOptions = {}) {
  return async (host: string, signal: AbortSignal): Promise<readonly string[]> => {
    signal.throwIfAborted();
    const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (options.servers) resolver.setServers([...options.servers]);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const addresses = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      const [first] = found;
      if (addresses.length === 0 && first.status === 'rejected') throw first.reason;
      return addresses;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}
