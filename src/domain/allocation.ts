import type { VirtualNumber } from './virtual-number.ts';

/**
 * Chooses one virtual number for each participant, all different, from the candidates of each, or returns null
 * when no such choice exists. Candidates come in order of preference, and earlier ones are taken where the
 * others allow it.
 *
 * This is bipartite matching by augmenting paths, so null is a proof: with up to 10 participants a greedy
 * choice could report exhaustion although a legal choice exists. It is enough to be given as many candidates
 * for each participant as there are participants (Hall's theorem), so the work does not grow with the pool.
 */
export function assignVirtualNumbers(
  candidates: readonly (readonly VirtualNumber[])[],
): VirtualNumber[] | null {
  const takenBy = new Map<VirtualNumber, number>();

  function place(participant: number, tried: Set<VirtualNumber>): boolean {
    const own = candidates[participant] ?? [];
    // A number that nobody holds yet is better than one that somebody would have to leave.
    for (const number of own) {
      if (takenBy.has(number)) continue;
      takenBy.set(number, participant);
      return true;
    }
    for (const number of own) {
      if (tried.has(number)) continue;
      tried.add(number);
      const holder = takenBy.get(number);
      if (holder !== undefined && place(holder, tried)) {
        takenBy.set(number, participant);
        return true;
      }
    }
    return false;
  }

  for (let participant = 0; participant < candidates.length; participant++) {
    if (!place(participant, new Set())) return null;
  }
  const chosen = new Array<VirtualNumber>(candidates.length);
  for (const [number, participant] of takenBy) chosen[participant] = number;
  return chosen;
}
