const ALPHABETS = {
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  base64url: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
} as const;

/**
 * The same bytes in another spelling: the last character of Base64 holds bits that lenient readers drop (RFC 4648,
 * section 3.5). A signature with two spellings defeats whoever remembers those that were seen.
 */
export function respell(text: string, encoding: keyof typeof ALPHABETS): string {
  const alphabet = ALPHABETS[encoding];
  const [, start = '', last = '', padding = ''] = /^(.*)([^=])(=*)$/.exec(text) ?? [];
  const respelt = start + alphabet.charAt(alphabet.indexOf(last) ^ 1) + padding;
  const same = Buffer.from(respelt, encoding).equals(Buffer.from(text, encoding));
  if (!same || respelt === text) throw new Error('This text has one spelling only.');
  return respelt;
}
