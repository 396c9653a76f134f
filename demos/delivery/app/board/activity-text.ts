import type { ActivityParty, ActivityView } from '../../server/api-types.ts';
import { firstNameOf, formatDuration } from '../parts/format.ts';
import type { IconName } from '../parts/icons.tsx';

export interface ActivityText {
  readonly icon: IconName;
  readonly text: string;
  readonly isRefusal: boolean;
}

/** Why a call or a text went nowhere, in the dispatcher's words. The caller never hears these. */
const REASONS: Readonly<Record<string, string>> = {
  unknown_number: 'the number is not in use',
  unknown_caller: 'it came from a stranger',
  session_ended: 'the order has ended',
  mode_not_allowed: 'the order does not allow it',
  blocked: 'blocked',
  rate_limited: 'too many attempts',
  destination_not_allowed: 'not allowed to go there',
  caller_not_verified: 'the caller could not be verified',
  too_late: 'the decision came too late',
};

export function reasonText(reason: string | null): string {
  return REASONS[reason ?? ''] ?? 'refused';
}

function nameOf(party: ActivityParty | null): string {
  if (party === null) return 'Somebody';
  return party.name === null ? `The ${party.role}` : firstNameOf(party.name);
}

/** One line of the live feed. */
export function activityText(activity: ActivityView): ActivityText {
  const from = nameOf(activity.from);
  const to = nameOf(activity.to);
  switch (activity.type) {
    case 'call.started':
      return { icon: 'outgoing', text: `${from} calls ${to}`, isRefusal: false };
    case 'call.answered':
      return { icon: 'phone', text: `${to} answered ${from}`, isRefusal: false };
    case 'call.ended': {
      const seconds = activity.durationSeconds ?? 0;
      const length = seconds > 0 ? ` after ${formatDuration(seconds)}` : '';
      return { icon: 'check', text: `${from} and ${to}: call ended${length}`, isRefusal: false };
    }
    case 'message.relayed':
      return { icon: 'message', text: `${from} texted ${to}`, isRefusal: false };
    case 'message.refused':
      return { icon: 'refused', text: `Text refused: ${reasonText(activity.reason)}`, isRefusal: true };
    default:
      return { icon: 'refused', text: `Call refused: ${reasonText(activity.reason)}`, isRefusal: true };
  }
}
