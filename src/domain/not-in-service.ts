/**
 * What networks say of a number that serves nobody: it was never given out, was given back, or has changed. SIP 404 and
 * 604 (RFC 3261), 410 (gone for good); Q.850 causes 1 (unallocated) and 22 (number changed); and the words for them of
 * providers that use words. A phone that is off, or out of reach, is none of these.
 */
const SIP = new Set(['404', '410', '604']);
const Q850 = new Set(['1', '22']);
const WORDS =
  /unallocated|unassigned|number[ _-]?changed|not[ _-]in[ _-]service|disconnected[ _-]number|destination[ _-]unallocated/i;

/** Reads the cause that an adapter kept of an ended call: `sip=404;q850=1`, `failed 404`, `UNALLOCATED_NUMBER`. */
export function isNotInService(nativeCause: string | null): boolean {
  if (nativeCause === null) return false;
  const q850 = /q850=(\d+)/i.exec(nativeCause)?.[1];
  const sip = /(?:sip=|\b)([46]\d\d)\b/i.exec(nativeCause)?.[1];
  return (
    WORDS.test(nativeCause) || (q850 !== undefined && Q850.has(q850)) || (sip !== undefined && SIP.has(sip))
  );
}
