/**
 * Takes phone numbers out of a text, so that two people do not leave the masked way by writing theirs. It is
 * best effort and says so: whoever wants to can always think of a spelling that no filter knows. It finds digits
 * of every script, spaced and punctuated, English number words, and letters that stand for digits; it leaves
 * dates, times, amounts, coordinates, links and short order numbers alone.
 */
export function maskNumbers(body: string): { readonly body: string; readonly masked: number } {
  const runs = toRuns(toUnits(body), body).filter((run) => looksLikeNumber(run, body));
  let rest = 0;
  let text = '';
  for (const run of runs) {
    text += body.slice(rest, run.start) + MASK;
    rest = run.end;
  }
  return { body: text + body.slice(rest), masked: runs.length };
}

/** In the alphabet of GSM, so that masking does not double the price of the text. */
const MASK = '*******';
/** Subscriber numbers have 7 digits or more; E.164 has 15 at most, written twice 30. */
const DIGITS_MINIMUM = 7;
/** An order number up to this long is believed when a word in front of it says that it is one. */
const NAMED_DIGITS_MAXIMUM = 9;
const GAP_CHARACTERS_MAXIMUM = 4;

/** A piece of the text: `digits` counts what it stands for; 0 is a gap that a number may have; null ends one. */
interface Unit {
  readonly start: number;
  readonly end: number;
  readonly digits: number | null;
}

interface Run {
  readonly start: number;
  readonly end: number;
  readonly digits: number;
  readonly groups: readonly string[];
  readonly gaps: readonly string[];
}

const DAY = '(?:0?[1-9]|[12]\\d|3[01])';
const MONTH = '(?:0?[1-9]|1[0-2])';
// What has many digits and is no phone number. A date must be a possible one, an amount grouped like one.
const OPAQUE = new RegExp(
  [
    `(?<!\\d)(?:19|20)\\d\\d([-/.])${MONTH}\\1${DAY}(?!\\d)`,
    `(?<!\\d)(?:${DAY}([-/.])${MONTH}|${MONTH}([-/.])${DAY})[-/.](?:19|20)\\d\\d(?!\\d)`,
    '(?<![\\d:])(?:[01]?\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d)?(?![\\d:])',
    '(?:[$€£₹¥]|\\b(?:rs\\.?|inr|usd|eur|gbp)) ?(?:\\d{1,3}(?:,\\d{2,3})+|\\d{1,7})(?:\\.\\d{1,2})?(?![\\d,.]*\\d)',
    '[-+]?\\d{1,3}\\.\\d{4,8}, ?[-+]?\\d{1,3}\\.\\d{4,8}(?!\\d)',
    'https?://(?!(?:wa|t)\\.me/)(?!\\S*(?:phone|tel|number)=)\\S+',
  ].join('|'),
  'giu',
);

const ONES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const TEENS = ['ten', 'eleven', 'twelve', 'thirteen', 'fourteen', 'fifteen', 'sixteen'];
const TENS = ['twenty', 'thirty', 'forty', 'fourty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const WORDS = new Map<string, number>([
  ...[...ONES, 'nought', 'naught', 'nil', 'oh', 'o', 'niner'].map((word) => [word, 1] as const),
  ...[...TEENS, 'seventeen', 'eighteen', 'nineteen', ...TENS].map((word) => [word, 2] as const),
  // A repetition adds to the digit that it repeats.
  ['double', 1],
  ['triple', 2],
  ['treble', 2],
]);
const SPOKEN_GAPS = new Set(['dash', 'dot', 'hyphen', 'minus', 'plus', 'point', 'space', 'slash', 'then']);
const JOINED_WORDS = new RegExp(`^(?:${[...ONES, 'oh'].join('|')}){2,}$`);
/** Letters and signs that are written for 0, 1, 2, 5, 8 and 9. */
const LOOKALIKE = /^[\p{Nd}oOlIi|SsBZzgqQ]+$/u;
/** `2x0x2x5…`: one letter between all digits. */
const SPACED_BY_LETTER = /^\p{Nd}(\p{L})(?:\p{Nd}\1){5,}\p{Nd}$/u;
// The keycap is a mark of its own (Me) and the variation selector before it another (Mn).
const TOKENS = /[\p{L}\p{M}\p{N}|]+|./gsu;
const PIECES = /\p{L}[\p{L}\p{M}]*|[\p{Nd}\p{No}][\p{Nd}\p{No}\p{M}]*|./gsu;

function toUnits(body: string): Unit[] {
  const units: Unit[] = [];
  let rest = 0;
  for (const match of body.matchAll(OPAQUE)) {
    toVisibleUnits(body, rest, match.index, units);
    rest = match.index + match[0].length;
    units.push({ start: match.index, end: rest, digits: null });
  }
  toVisibleUnits(body, rest, body.length, units);
  return units;
}

function toVisibleUnits(body: string, from: number, to: number, units: Unit[]): void {
  for (const { 0: token, index } of body.slice(from, to).matchAll(TOKENS)) {
    const start = from + index;
    const plain = token.normalize('NFKC').replace(/[\p{M}\p{Cf}]/gu, '');
    const real = plain.match(/\p{Nd}/gu)?.length ?? 0;
    // At least a third must be digits, or `Sizzling2` would be a number.
    if (SPACED_BY_LETTER.test(plain) || (LOOKALIKE.test(plain) && real * 3 >= plain.length)) {
      units.push({ start, end: start + token.length, digits: plain.length });
      continue;
    }
    for (const { 0: piece, index: offset } of token.matchAll(PIECES)) {
      const begin = start + offset;
      units.push({ start: begin, end: begin + piece.length, digits: digitsOf(piece) });
    }
  }
}

function digitsOf(piece: string): number | null {
  const plain = piece.normalize('NFKC').toLowerCase();
  const digits = plain.match(/\p{Nd}/gu)?.length ?? 0;
  if (digits > 0) return digits;
  if (!/[\p{L}\p{M}]/u.test(plain)) return 0;
  const word = WORDS.get(plain);
  if (word !== undefined) return word;
  if (SPOKEN_GAPS.has(plain)) return 0;
  if (JOINED_WORDS.test(plain)) return plain.match(new RegExp([...ONES, 'oh'].join('|'), 'g'))?.length ?? 0;
  return null;
}

function toRuns(units: readonly Unit[], body: string): Run[] {
  const runs: Run[] = [];
  let open: Unit[] = [];
  const close = (): void => {
    const [first] = open;
    const last = open.at(-1);
    if (first && last) {
      runs.push({
        start: first.start,
        end: last.end,
        digits: open.reduce((sum, unit) => sum + (unit.digits ?? 0), 0),
        groups: open.map((unit) => body.slice(unit.start, unit.end)),
        gaps: open.slice(1).map((unit, i) => body.slice(open[i]?.end, unit.start)),
      });
    }
    open = [];
  };
  for (const unit of units) {
    const last = open.at(-1);
    if (unit.digits === null) close();
    else if (unit.digits > 0) {
      if (last && !isGap(body.slice(last.end, unit.start))) close();
      open.push(unit);
    }
  }
  close();
  return runs;
}

/** Spaces and marks between digits; what cannot be seen does not count, and a spoken mark counts as one. */
function isGap(text: string): boolean {
  const seen = text.replace(/\p{Cf}|\p{M}/gu, '').replace(/\p{L}+/gu, '-');
  return [...seen].length <= GAP_CHARACTERS_MAXIMUM;
}

const NAMED =
  /(?:#|\b(?:order|invoice|bill|booking|ticket|parcel|package|tracking|reference|ref|receipt|awb|id|code|pin|otp|token|locker|account)\b\W*(?:(?:no|nr|number|id|code|is)\b\W*)*)$/iu;

function looksLikeNumber(run: Run, body: string): boolean {
  if (run.digits < DIGITS_MINIMUM) return false;
  const isNamed = NAMED.test(body.slice(Math.max(0, run.start - 40), run.start));
  if (isNamed && run.groups.length === 1 && run.digits <= NAMED_DIGITS_MAXIMUM) return false;
  return !isList(run);
}

/** `101, 102, 103`: groups of one length that only grow. A phone number that happens to do that passes. */
function isList({ groups, gaps }: Run): boolean {
  if (groups.length < 3 || !gaps.every((gap) => /^(?:[,;&]| ?- ?)\s?$/.test(gap))) return false;
  return groups.every((group, i) => {
    const before = groups[i - 1];
    return before === undefined || (group.length === before.length && group > before && group.length > 1);
  });
}
