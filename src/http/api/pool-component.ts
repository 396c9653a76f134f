import { type Static, Type } from 'typebox';
import {
  CALL_COUNTS,
  FALLBACK_ACCOUNTS_MAXIMUM,
  MESSAGE_COUNTS,
  POOL_LIMITS,
  type Pool,
  type PoolPolicy,
  type StockNow,
} from '../../domain/pool.ts';
import type { DeepReadonly } from '../operation.ts';
import { DestinationsAnswer, DestinationsField, toDestinations } from './destinations-field.ts';
import { nullable, oneOf, PoolName, ProviderAccountName, strict, text } from './fields.ts';

const STOCK_MAXIMUM = 1_000_000;

function seconds(name: keyof typeof POOL_LIMITS, description: string) {
  return Type.Integer({ ...POOL_LIMITS[name], description });
}

const StockPolicy = Type.Object(
  {
    providerAccount: ProviderAccountName,
    fallbackAccounts: Type.Optional(
      Type.Array(ProviderAccountName, {
        maxItems: FALLBACK_ACCOUNTS_MAXIMUM,
        uniqueItems: true,
        description:
          'Bought from, in this order, while the one before cannot deliver. The numbers of one session are always of one account.',
      }),
    ),
    lowWater: Type.Integer({
      minimum: 0,
      maximum: STOCK_MAXIMUM,
      description: 'Numbers are bought when fewer are to spare.',
    }),
    target: Type.Integer({
      minimum: 0,
      maximum: STOCK_MAXIMUM,
      description: 'Up to so many to spare. Not below `lowWater`.',
    }),
    max: Type.Integer({
      minimum: 0,
      maximum: STOCK_MAXIMUM,
      description: 'And never more in all. Not below `target`.',
    }),
  },
  { ...strict, description: 'How numbers are bought ahead of need.' },
);

const Recording = Type.Object(
  {
    consent: text(1, 500, {
      description: 'What both hear before the recording begins.',
      examples: ['This call is recorded for training.'],
    }),
  },
  { ...strict, description: 'Calls are recorded. Every account of the pool must be able to.' },
);

const ATTESTATION_POLICIES = ['ignore', 'prefer', 'require'] as const;
const STEP_UPS = ['none', 'intent', 'pin'] as const;

/** The rules of a pool; each has a default when a pool is created, and each can be changed later. */
export const PoolPolicyFields = {
  mode: Type.Optional(
    oneOf(['dedicated', 'shared'], {
      default: 'dedicated',
      description:
        '`dedicated`: a number serves one session at a time. `shared`: many, as long as no caller could mean two of them.',
    }),
  ),
  selection: Type.Optional(
    oneOf(['avoid_sticky', 'prefer_sticky'], {
      default: 'avoid_sticky',
      description: 'Whether a person gets the number that stood for them before or, where possible, another.',
    }),
  ),
  countries: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Z]{2}$', examples: ['US'] }), {
      maxItems: 32,
      uniqueItems: true,
      default: [],
      description: 'ISO 3166-1 alpha-2, in order of preference: where numbers are bought. None means US.',
    }),
  ),
  numberQuarantineSeconds: Type.Optional(
    seconds('numberQuarantineSeconds', 'How long a number rests after a session.'),
  ),
  pairQuarantineSeconds: Type.Optional(
    seconds('pairQuarantineSeconds', 'How long a number does not meet the same caller again.'),
  ),
  graceSeconds: Type.Optional(
    seconds('graceSeconds', 'How long the participants can still reach each other after completion.'),
  ),
  sessionTtlSeconds: Type.Optional(
    seconds('sessionTtlSeconds', 'How long a session lives when it does not say so itself.'),
  ),
  ringTimeoutSeconds: Type.Optional(seconds('ringTimeoutSeconds', 'How long a phone rings.')),
  maxCallSeconds: Type.Optional(seconds('maxCallSeconds', 'How long a call may take.')),
  stock: Type.Optional(nullable(StockPolicy)),
  attestation: Type.Optional(
    oneOf(ATTESTATION_POLICIES, {
      default: 'ignore',
      description: [
        'What STIR/SHAKEN must say of a caller; texts have none.',
        '`ignore`: recorded only.',
        '`prefer`: refused when the verification failed, connected when nothing is said.',
        '`require`: only full attestation, A, is connected. Coverage is essentially the USA and Canada.',
      ].join(' '),
    }),
  ),
  recording: Type.Optional(nullable(Recording)),
  attachments: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Whether pictures and the like go along with a text. If not, the text says so.',
    }),
  ),
  maskNumbersInMessages: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Whether what looks like a phone number is taken out of texts. Best effort.',
    }),
  ),
  stepUp: Type.Optional(
    oneOf(STEP_UPS, {
      default: 'none',
      description: [
        'What connects a caller who is unknown, withholds the number, or is not verified enough.',
        '`none`: nothing. `intent`: a call that the app announced with POST /v1/sessions/{id}/call-intents.',
        '`pin`: that, or the PIN from POST /v1/sessions/{id}/pins, where the provider can collect digits.',
      ].join(' '),
    }),
  ),
  concurrentCallsMax: Type.Optional(
    Type.Integer({
      ...CALL_COUNTS.concurrentCallsMax,
      description: 'Calls that one caller of a session may have at a time.',
    }),
  ),
  hourlyAttemptsMax: Type.Optional(
    Type.Integer({
      ...CALL_COUNTS.hourlyAttemptsMax,
      description: 'Calls that one caller of a session may try in any 60 minutes, refused ones included.',
    }),
  ),
  totalTalkSecondsMax: Type.Optional(
    seconds('totalTalkSecondsMax', 'Talk that one caller of a session may begin in all.'),
  ),
  verificationMaxAgeSeconds: Type.Optional(
    nullable(
      Type.Integer({
        minimum: 60,
        maximum: 10 * 365 * 86_400,
        description:
          'A session is refused when `verifiedAt` of a participant is longer ago, or not given. Null: nobody asks.',
      }),
    ),
  ),
  destinations: Type.Optional(DestinationsField),
  messagesPerMinuteMax: Type.Optional(
    Type.Integer({
      ...MESSAGE_COUNTS.messagesPerMinuteMax,
      description:
        'Texts that a session may carry in any 60 seconds, both ways together; others are dropped.',
    }),
  ),
  messagesPerDayMax: Type.Optional(
    Type.Integer({
      ...MESSAGE_COUNTS.messagesPerDayMax,
      description: 'Texts that a session may carry in any 24 hours.',
    }),
  ),
};

type PolicyFields = DeepReadonly<Static<ReturnType<typeof policyObject>>>;
function policyObject() {
  return Type.Object(PoolPolicyFields);
}

export const PoolNameParams = Type.Object({ name: PoolName });

export const PoolComponent = {
  name: 'Pool',
  schema: Type.Object({
    name: PoolName,
    mode: oneOf(['dedicated', 'shared']),
    selection: oneOf(['avoid_sticky', 'prefer_sticky']),
    countries: Type.Array(Type.String()),
    numberQuarantineSeconds: Type.Integer(),
    pairQuarantineSeconds: Type.Integer(),
    graceSeconds: Type.Integer(),
    sessionTtlSeconds: Type.Integer(),
    ringTimeoutSeconds: Type.Integer(),
    maxCallSeconds: Type.Integer(),
    stock: nullable(StockPolicy),
    attestation: oneOf(ATTESTATION_POLICIES),
    recording: nullable(Recording),
    attachments: Type.Boolean(),
    maskNumbersInMessages: Type.Boolean(),
    stepUp: oneOf(STEP_UPS),
    concurrentCallsMax: Type.Integer(),
    hourlyAttemptsMax: Type.Integer(),
    totalTalkSecondsMax: Type.Integer(),
    verificationMaxAgeSeconds: nullable(Type.Integer()),
    destinations: DestinationsAnswer,
    messagesPerMinuteMax: Type.Integer(),
    messagesPerDayMax: Type.Integer(),
    stockNow: Type.Object(
      {
        inService: Type.Integer({ description: 'All that may be allocated, now or later.' }),
        idle: Type.Integer({ description: 'To spare now.' }),
        allocated: Type.Integer({ description: 'Standing for somebody.' }),
        resting: Type.Integer({ description: 'In quarantine after a session.' }),
        reserved: Type.Integer(),
        draining: Type.Integer(),
        suspended: Type.Integer(),
      },
      { description: 'How many numbers the pool has, by what they do.' },
    ),
  }),
};
export type PoolAnswer = DeepReadonly<Static<typeof PoolComponent.schema>>;

/** What was sent of a policy, in the words of the domain. */
export function toPolicyChanges(fields: PolicyFields): Partial<PoolPolicy> {
  const { stock, destinations, ...others } = fields;
  const changed = toDestinations(destinations);
  const rest = changed ? { ...others, destinations: changed } : others;
  if (!stock) return stock === null ? { ...rest, stock } : rest;
  return { ...rest, stock: { ...stock, fallbackAccounts: stock.fallbackAccounts ?? [] } };
}

export function toPoolAnswer(pool: Pool, stockNow: StockNow): PoolAnswer {
  const { stock } = pool;
  const fallbackAccounts = [...(stock?.fallbackAccounts ?? [])];
  return { ...pool, stock: stock && { ...stock, fallbackAccounts }, stockNow };
}
