import { maskNumbers } from './mask-numbers.ts';
import type { RouteTerms } from './route.ts';

/** What arrived: `attachments` counts them; `mediaUrls` says where those are that can be passed on. */
export interface ArrivedText {
  readonly body: string;
  readonly attachments: number;
  readonly mediaUrls: readonly string[];
}

/** 10 segments of a text in the alphabet of GSM, which is where providers stop. */
export const TEXT_CHARACTERS_MAXIMUM = 1_600;

/**
 * What is passed on of a text. An attachment can show a face, a house or a number, so that it stays behind unless
 * the pool allows it, and the receiver is told that there was one.
 */
export function toRelayedText(
  text: ArrivedText,
  terms: Pick<RouteTerms, 'attachments' | 'maskNumbers'>,
): { readonly body: string; readonly mediaUrls: readonly string[] } {
  const mediaUrls = terms.attachments ? text.mediaUrls : [];
  const body = terms.maskNumbers ? maskNumbers(text.body).body : text.body;
  const notice = noticeOf(Math.max(0, text.attachments - mediaUrls.length));
  if (notice === '') return { body: cut(body, TEXT_CHARACTERS_MAXIMUM), mediaUrls };
  if (body.trim() === '') return { body: notice, mediaUrls };
  return { body: `${cut(body, TEXT_CHARACTERS_MAXIMUM - notice.length - 1)}\n${notice}`, mediaUrls };
}

function noticeOf(dropped: number): string {
  if (dropped === 0) return '';
  return dropped === 1
    ? '[An attachment was not passed on.]'
    : `[${dropped} attachments were not passed on.]`;
}

/** Not in the middle of a character that takes two code units. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}
