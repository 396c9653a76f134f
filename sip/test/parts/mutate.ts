import type { Random } from '../../../src/lib/random.ts';
import type { Party } from './party.ts';

const AWKWARD = [
  '\0',
  '\t',
  '\r',
  '\n ',
  '\r\n\t',
  '"',
  '<',
  '>',
  ';',
  ',',
  '%00',
  '\\',
  '\xff',
  '\xc3\xa4',
  ' ',
  ':',
  '@',
  '$var(x)',
];
const NAMES = [
  'From',
  'To',
  'Via',
  'Call-ID',
  'Contact',
  'CSeq',
  'f',
  't',
  'v',
  'i',
  'm',
  'c',
  'l',
  'Route',
  'Record-Route',
  'Content-Type',
  'Content-Length',
  'P-Asserted-Identity',
  'X-Any',
];

/** Spoils a message in one to four ways, and likes to put what is secret where it is not expected. */
export function mutate(text: string, random: Random, party: Party): string {
  const secrets = [
    party.number,
    party.address,
    party.name,
    `sip:${party.number}@${party.address}`,
    `"${party.name}" <sip:${party.number}@${party.address}>`,
  ];
  const below = (limit: number): number => Math.floor(random.next() * Math.max(1, limit));
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  let out = text;
  const lineAt = (lines: string[]): number => below(lines.length);
  const editLine = (change: (line: string, lines: string[], at: number) => string | string[]): void => {
    const lines = out.split('\r\n');
    const at = lineAt(lines);
    const made = change(lines[at] ?? '', lines, at);
    lines.splice(at, 1, ...(Array.isArray(made) ? made : [made]));
    out = lines.join('\r\n');
  };
  const ways: (() => void)[] = [
    () => editLine((line) => [line, line]),
    () => editLine(() => []),
    () => editLine((line) => line.replace(/^[^:=]+/, () => pick(NAMES))),
    () => editLine((line) => line.toLowerCase()),
    () => editLine((line) => line.toUpperCase()),
    () => editLine((line) => `${line}${pick(AWKWARD)}${pick(secrets)}`),
    () => editLine((line) => line.replace(/[:=].*/, () => `: ${pick(secrets)}`)),
    () => editLine((line) => line.replace(/=.*/, () => `=${pick(secrets)}`)),
    () => editLine((line) => [`${pick(NAMES)}: ${pick(secrets)}`, line]),
    () =>
      editLine((line) => [
        `${pick(['a', 'b', 'c', 'i', 'm', 'o', 's', 'x'])}=${pick(['', 'audio ', '- 1 1 IN IP4 ', 'IN IP4 ', 'rtpmap:8 '])}${pick(secrets)}`,
        line,
      ]),
    () => editLine((line) => line.slice(0, below(line.length))),
    () => editLine((line) => line.replace(/[ ;]/, () => pick(AWKWARD))),
    () =>
      editLine((line) =>
        line.replace(/\d+/, () => pick(['0', '-1', '4294967296', '99999999999999999999', ''])),
      ),
    () => {
      const at = below(out.length);
      out = out.slice(0, at) + pick(AWKWARD) + out.slice(at);
    },
    () => {
      const at = below(out.length);
      out = out.slice(0, at) + String.fromCharCode(below(256)) + out.slice(at + 1);
    },
    () => {
      const at = below(out.length);
      out = out.slice(0, at) + out.slice(at + 1 + below(20));
    },
    () => {
      const [a, b] = [below(out.length), below(out.length)];
      out = out.slice(0, a) + out.slice(b, b + below(60)) + out.slice(a);
    },
    () => {
      out = out.slice(0, below(out.length));
    },
  ];
  for (let change = 1 + below(4); change > 0; change--) pick(ways)();
  return out;
}
