/**
 * Numbers reserved for fiction that nothing else in the repository mentions: 20 of the British mobile range, and 190
 * American ones, ten of each of nineteen area codes.
 */
const AREA_CODES = [
  '415 503 617 718 305 210 216 229 234 240 248 251 253 256 267 269 276 281 301'.split(' '),
].flat();

export const CANARIES: readonly string[] = [
  ...Array.from({ length: 20 }, (_, i) => `+4477009006${String(61 + i)}`),
  ...AREA_CODES.flatMap((area) => Array.from({ length: 10 }, (_, i) => `+1${area}55501${String(61 + i)}`)),
].map((_, i, all) => all[(i * 11) % all.length] as string);
