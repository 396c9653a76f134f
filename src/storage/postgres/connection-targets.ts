export interface ConnectionTargets {
  /** one connection string for each host, in the order given */
  readonly urls: readonly string[];
  /** whether a standby will do; only when the string says `target_session_attrs=any` */
  readonly standbyAllowed: boolean;
}

/**
 * Takes a connection string with several hosts apart, which libpq understands and `pg` does not:
 * `postgres://user:password@a:5432,b:5432/maskline?target_session_attrs=read-write`.
 *
 * `target_session_attrs` is `read-write` unless it is said to be `any`: a service that reads from a standby
 * would connect calls of orders that have ended.
 *
 * @throws Error that names what is wrong, without the password
 */
export function parseConnectionTargets(connectionString: string): ConnectionTargets {
  const parts = /^(postgres(?:ql)?:\/\/)((?:[^@/?]*@)?)([^/?@]*)((?:\/[^?]*)?)((?:\?.*)?)$/.exec(
    connectionString,
  );
  if (!parts) {
    throw new Error('The database URL must look like postgres://user:password@host:5432/database.');
  }
  const [, scheme = '', user = '', hosts = '', database = '', query = ''] = parts;
  const parameters = new URLSearchParams(query);
  const attributes = parameters.get('target_session_attrs') ?? 'read-write';
  parameters.delete('target_session_attrs');
  if (!['read-write', 'primary', 'any'].includes(attributes)) {
    throw new Error(`target_session_attrs=${attributes} is not for a service that writes; use read-write.`);
  }
  const rest = parameters.size > 0 ? `${database}?${parameters}` : database;
  return {
    urls: hosts.split(',').map((host) => `${scheme}${user}${host}${rest}`),
    standbyAllowed: attributes === 'any',
  };
}

/** host:port for a log line, without the credentials. */
export function targetLabel(url: string): string {
  return url.replace(/^[^:]+:\/\/(?:[^@/?]*@)?([^/?]*).*$/, '$1') || 'the default host';
}
