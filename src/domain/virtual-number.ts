declare const brand: unique symbol;

/** A number that we hold at a provider account and lend: `+` and 7 to 15 digits (ITU-T E.164). Never a real number. */
export type VirtualNumber = string & { readonly [brand]: 'VirtualNumber' };

export const VIRTUAL_NUMBER_PATTERN = '^\\+[1-9][0-9]{6,14}$';
const PATTERN = new RegExp(VIRTUAL_NUMBER_PATTERN);

/** Returns null for anything that is not strict E.164 with `+`. */
export function toVirtualNumber(text: string): VirtualNumber | null {
  return PATTERN.test(text) ? (text as VirtualNumber) : null;
}

/**
 * What we have decided about a virtual number. Whether it is idle, allocated or resting is not stored here but
 * derived: from its `idleAt` in a dedicated pool, from its routes in a shared one.
 */
export const VirtualNumberState = {
  /** may be allocated */
  InService: 'in_service',
  /** in the pool, but not chosen for new sessions */
  Reserved: 'reserved',
  /** serves the sessions that it has, gets no new ones, and is decommissioned afterwards */
  Draining: 'draining',
  /** bad reputation or trouble at the provider: gets no new sessions until somebody lifts it */
  Suspended: 'suspended',
  /** given back to the provider; the row remains for the history */
  Decommissioned: 'decommissioned',
} as const;
export type VirtualNumberState = (typeof VirtualNumberState)[keyof typeof VirtualNumberState];

export type Capability = 'voice' | 'sms';
