import { allowsNumber, allowsPair, type DestinationPolicy, type NumberClass } from '../domain/destination.ts';
import { MasklineError } from '../domain/errors.ts';

interface Classified {
  readonly numberClass: NumberClass;
}

/** The place of the first participant whom the pool would not connect, or null. */
export function findNotAllowed(
  pool: DestinationPolicy,
  participants: readonly Classified[],
): { readonly place: number; readonly numberClass: NumberClass } | null {
  for (const [place, { numberClass }] of participants.entries()) {
    const others = participants.filter((_, other) => other !== place);
    const isReachable =
      allowsNumber(pool, numberClass) &&
      others.every((calling) =>
        allowsPair(pool, { calling: calling.numberClass, called: numberClass, virtualNumberCountry: null }),
      );
    if (!isReachable) return { place, numberClass };
  }
  return null;
}

/**
 * Everybody in a session is somebody's destination. Refused here, the number is not even sealed; the pool is asked
 * again when a call routes, because its rule may have changed. @throws MasklineError MASK_NUMBER_NOT_ALLOWED
 */
export function checkDestinations(pool: DestinationPolicy, participants: readonly Classified[]): void {
  const found = findNotAllowed(pool, participants);
  if (!found) return;
  throw new MasklineError(
    'MASK_NUMBER_NOT_ALLOWED',
    `The real number of participant ${found.place} is ${found.numberClass} (country and type), which \`destinations\` of the pool does not allow.`,
  );
}
