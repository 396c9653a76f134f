import { assertNever } from '../../src/lib/assert.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { createId } from '../../src/lib/id.ts';
import type { Random } from '../../src/lib/random.ts';
import type { AccountWebhooks } from './account-webhooks.ts';
import { type CallRecord, type DialledCall, failedCall, refusedCall } from './call-record.ts';
import type { Faults } from './faults.ts';
import type { Bridge, LiveCalls } from './live-calls.ts';
import type { NumberHeld } from './number-records.ts';
import type { NumberStock } from './number-stock.ts';
import { OperatorError } from './operator-error.ts';

/** What the operator itself says; the account's announcements are its own. */
export const OPERATOR_SENTENCES = {
  failed: 'Your call cannot be completed. Please try again later.',
  notInService: 'The number you have dialled is not in service.',
  busy: 'The person you are calling is busy.',
} as const;

/** Calls that ring or talk at one time. */
const CALLS_UP_MAXIMUM = 20_000;
/** Calls that wait for the account's answer at one time. */
const DIALLING_MAXIMUM = 5_000;
/** How often one call may be asked for digits. */
const GATHERS_MAXIMUM = 3;
/** For a call between two phones that no account has a part in. */
const UNMASKED_TERMS = { ringTimeoutSeconds: 60, maxCallSeconds: 4 * 3_600 };

export interface DialParams {
  readonly from: string;
  readonly to: string;
  /** the caller hides their number */
  readonly withheld?: boolean;
  /** what the operator vouches for; absent: nothing */
  readonly attestation?: 'A' | 'B' | 'C';
  /** what the caller keys in when asked; without it, a caller who is asked hangs up */
  readonly digits?: string;
}

export interface CallSwitchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly numbers: NumberStock;
  readonly live: LiveCalls;
  readonly webhooks: AccountWebhooks;
  readonly faults: Faults;
  readonly log: (line: string) => void;
}

/** Carries calls: asks the account whom to connect when one of its numbers is dialled, and obeys. */
export class CallSwitch {
  readonly #options: CallSwitchOptions;
  #dialling = 0;
  #closed = false;

  constructor(options: CallSwitchOptions) {
    this.#options = options;
  }

  /** Resolves when the callee's phone rings, or when it is clear that it will not. @throws OperatorError */
  async dial(params: DialParams): Promise<CallRecord> {
    const { clock, random, numbers, live } = this.#options;
    if (this.#closed || this.#dialling >= DIALLING_MAXIMUM || live.count >= CALLS_UP_MAXIMUM) {
      throw new OperatorError('TOO_MANY_CALLS', 'The exchange takes no more calls now. Hang up some.');
    }
    numbers.noticePhone(params.from);
    const call: DialledCall = {
      callId: createId('call', clock, random),
      from: params.from,
      to: params.to,
      withheld: params.withheld ?? false,
      startedAt: clock.now(),
    };
    this.#dialling++;
    try {
      return await this.#connect(call, params);
    } finally {
      this.#dialling--;
    }
  }

  /** @throws OperatorError when there is no such call */
  find(callId: string): CallRecord {
    return this.#options.live.find(callId);
  }

  /** The callee answers. Answering twice changes nothing. @throws OperatorError when it does not ring */
  answer(callId: string): CallRecord {
    return this.#options.live.answer(callId);
  }

  /**
   * Either side hangs up. While it rings, the caller's hanging up cancels the call and the callee's declines
   * it. A call that is over stays as it is. @throws OperatorError when there is no such call
   */
  hangUp(callId: string, by: 'caller' | 'callee'): CallRecord {
    return this.#options.live.hangUp(callId, by);
  }

  /** Ends every call and takes no more. */
  close(): void {
    this.#closed = true;
    this.#options.live.endAll();
  }

  async #connect(call: DialledCall, params: DialParams): Promise<CallRecord> {
    const { numbers } = this.#options;
    const held = numbers.find(params.to);
    if (held) return this.#askAccount(call, held, params);
    if (numbers.isUnsold(params.to)) return this.#fail(call, OPERATOR_SENTENCES.notInService, null);
    const callerId = call.withheld ? 'anonymous' : call.from;
    return this.#ring(call, { to: params.to, callerId, ...UNMASKED_TERMS }, null);
  }

  async #askAccount(call: DialledCall, held: NumberHeld, params: DialParams): Promise<CallRecord> {
    const { webhooks } = this.#options;
    let keyedIn: string | undefined;
    for (let gathers = 0; gathers <= GATHERS_MAXIMUM; gathers++) {
      const answer = await webhooks.askAboutCall(held.answerUrl, {
        callId: call.callId,
        from: call.withheld ? 'anonymous' : call.from,
        to: held.virtualNumber,
        ...(params.attestation && { attestation: params.attestation }),
        ...(keyedIn !== undefined && { digits: keyedIn }),
      });
      if (answer === null) break;
      switch (answer.action) {
        case 'connect':
          return this.#bridge(call, answer, held);
        case 'announce':
          return this.#refuse(call, answer.text);
        case 'reject':
          return this.#refuse(call, null);
        case 'gather':
          if (params.digits === undefined) return this.#refuse(call, answer.text);
          keyedIn = params.digits.slice(0, answer.digits);
          break;
        default:
          assertNever(answer);
      }
    }
    return this.#fail(call, OPERATOR_SENTENCES.failed, held.statusUrl);
  }

  #bridge(call: DialledCall, bridge: Bridge, held: NumberHeld): CallRecord {
    const { numbers, log } = this.#options;
    // A caller id is shown to somebody, so it must be the account's own; and a number of the account is no
    // phone, so connecting to one would only ask the account again.
    const why = !numbers.find(bridge.callerId)
      ? 'the caller id is not a number of the account'
      : numbers.find(bridge.to)
        ? 'the destination is a number of the account'
        : null;
    if (why === null) return this.#ring(call, bridge, held.statusUrl);
    log(`${call.callId}: not connected, ${why}`);
    return this.#fail(call, OPERATOR_SENTENCES.failed, held.statusUrl);
  }

  #ring(call: DialledCall, bridge: Bridge, statusUrl: string | null): CallRecord {
    const { clock, numbers, faults, live } = this.#options;
    if (this.#closed) return this.#fail(call, OPERATOR_SENTENCES.failed, statusUrl);
    numbers.noticePhone(bridge.to);
    if (!faults.isBusy(bridge.to) && bridge.to !== call.from) return live.ring(call, bridge, statusUrl);
    const bLeg = { to: bridge.to, callerId: bridge.callerId };
    const failure = { heard: OPERATOR_SENTENCES.busy, termination: 'busy', bLeg } as const;
    return live.conclude(failedCall(call, failure, clock.now()), statusUrl);
  }

  #refuse(call: DialledCall, heard: string | null): CallRecord {
    const { clock, live } = this.#options;
    return live.conclude(refusedCall(call, heard, clock.now()), null);
  }

  #fail(call: DialledCall, heard: string, statusUrl: string | null): CallRecord {
    const { clock, live } = this.#options;
    const failure = { heard, termination: 'failed', bLeg: null } as const;
    return live.conclude(failedCall(call, failure, clock.now()), statusUrl);
  }
}
