/**
 * Words by which a person tells the carrier, not the other party, to stop or resume texts from a number; the
 * unambiguous ones of the CTIA's list and of what providers add to it (Twilio: OPTOUT, REVOKE). CANCEL, END,
 * QUIT, YES, HELP and INFO are on such lists too, but people who wait for a delivery say them to each other.
 */
const KEYWORDS = new Set([
  'STOP',
  'STOPALL',
  'STOP ALL',
  'UNSUBSCRIBE',
  'OPTOUT',
  'OPT OUT',
  'REVOKE',
  'START',
  'UNSTOP',
]);

/** Whether a text is such a word and nothing else. */
export function isCarrierKeyword(body: string): boolean {
  const words = body
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
  return KEYWORDS.has(words);
}
