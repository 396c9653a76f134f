import { Capture } from '../test/parts/capture.ts';
import { ALICE } from '../test/parts/party.ts';

// The kernel picks the INVITEs of the caller and the 180s towards it, by the first bytes behind the UDP header, and notes
// when it saw each. sipp's own clock counts in steps of 4 ms, which is as long as the look-up takes.
const FILTER =
  `(src host ${ALICE.address} and udp dst port 5060 and udp[8:4] = 0x494e5649) or ` +
  `(dst host ${ALICE.address} and udp src port 5060 and udp[8:4] = 0x5349502f and udp[16:4] = 0x31383020)`;

/** Milliseconds from the first INVITE of each call to its 180, ascending, and of which calls there was none. */
export interface Delays {
  readonly ms: readonly number[];
  readonly unanswered: number;
}

export async function delaysDuring(file: string, work: () => Promise<unknown>): Promise<Delays> {
  const capture = await Capture.start(file, FILTER);
  try {
    await work();
  } finally {
    await capture.stop();
  }
  const asked = new Map<string, number>();
  const ms: number[] = [];
  for (const { payload, atMs = Number.NaN } of capture.soFar()) {
    const text = payload.toString('latin1');
    const call = /^Call-ID: *(\S+)/im.exec(text)?.[1] ?? '';
    if (text.startsWith('INVITE')) {
      if (!asked.has(call)) asked.set(call, atMs);
      continue;
    }
    const from = asked.get(call);
    if (from === undefined || Number.isNaN(from)) continue;
    ms.push(atMs - from);
    asked.set(call, Number.NaN);
  }
  const unanswered = [...asked.values()].filter((from) => !Number.isNaN(from)).length;
  return { ms: ms.sort((a, b) => a - b), unanswered };
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
