import type { Instant } from '../../src/lib/clock.ts';

/** One question of an operator and what it was told, in true time. */
export interface Asked {
  readonly kind: 'call' | 'message';
  readonly id: string;
  readonly account: string;
  readonly from: number | null;
  readonly dialled: string;
  /** what the caller has keyed in */
  readonly digits: string | null;
  readonly askedAt: Instant;
  readonly answeredAt: Instant;
  readonly body: string;
  /** which was asked */
  readonly replica: string;
  /** of that replica */
  readonly skewMs: number;
  /** a fault struck that replica meanwhile, so that a refusal is excused */
  readonly excused: boolean;
  /** nobody could have the right to ask this: forged, or over another account */
  readonly illegitimate: boolean;
}

export interface Told {
  readonly connected: { readonly to: string; readonly shows: string } | null;
  readonly sentence: string | null;
  readonly asksForPin: boolean;
}

/** What an answer of Maskline means to the operator. */
export function readAnswer(body: string): Told {
  const answer = JSON.parse(body) as Record<string, unknown>;
  if (answer.action === 'connect')
    return {
      connected: { to: String(answer.to), shows: String(answer.callerId) },
      sentence: null,
      asksForPin: false,
    };
  if (answer.action === 'deliver')
    return {
      connected: { to: String(answer.to), shows: String(answer.from) },
      sentence: null,
      asksForPin: false,
    };
  const sentence = typeof answer.text === 'string' ? answer.text : null;
  return { connected: null, sentence, asksForPin: answer.action === 'gather' };
}
