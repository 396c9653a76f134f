import { type Static, Type } from 'typebox';
import { VIRTUAL_NUMBER_PATTERN, VirtualNumberState } from '../../domain/virtual-number.ts';
import type { VirtualNumberRow } from '../../storage/virtual-number-storage.ts';
import type { DeepReadonly } from '../operation.ts';
import { oneOf, PoolName, ProviderAccountName, Timestamp, VirtualNumberText } from './fields.ts';
import { toTimestamp } from './timestamp.ts';

export const Capabilities = Type.Array(oneOf(['voice', 'sms']), {
  minItems: 1,
  maxItems: 2,
  uniqueItems: true,
  description: 'What the number can carry.',
});

export const State = oneOf(Object.values(VirtualNumberState), {
  description: [
    '`in_service`: may be allocated.',
    '`reserved`: in the pool, but not chosen.',
    '`draining`: serves the sessions that it has, then goes back to the provider.',
    '`suspended`: gets no new sessions until somebody lifts it.',
    '`decommissioned`: given back.',
  ].join(' '),
});

export const VirtualNumberParams = Type.Object({
  e164: Type.String({
    pattern: VIRTUAL_NUMBER_PATTERN,
    description: 'The virtual number, `+` written as it is or as `%2B`.',
    examples: ['+12025550188'],
  }),
});

export const VirtualNumberComponent = {
  name: 'VirtualNumber',
  schema: Type.Object({
    virtualNumber: VirtualNumberText,
    pool: PoolName,
    providerAccount: ProviderAccountName,
    capabilities: Capabilities,
    state: State,
    createdAt: Timestamp,
  }),
};

export function toVirtualNumberAnswer(
  row: VirtualNumberRow,
): DeepReadonly<Static<typeof VirtualNumberComponent.schema>> {
  const { virtualNumber, pool, providerAccount, capabilities, state, createdAt } = row;
  return { virtualNumber, pool, providerAccount, capabilities, state, createdAt: toTimestamp(createdAt) };
}
