import { Type } from 'typebox';
import { createPool } from '../../app/create-pool.ts';
import { POLICY_DEFAULTS, POOL_LIMITS } from '../../domain/pool.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { toDestinations } from './destinations-field.ts';
import { PoolName, strict } from './fields.ts';
import { PoolComponent, PoolPolicyFields, toPolicyChanges, toPoolAnswer } from './pool-component.ts';

export const poolsCreate = defineOperation({
  id: 'createPool',
  method: 'POST',
  url: '/v1/pools',
  tag: 'Pools',
  scope: 'pools:write',
  summary: 'Create a pool',
  description:
    'A pool is a named set of virtual numbers with one policy. With `stock`, its numbers are bought.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    { name: PoolName, ...PoolPolicyFields },
    {
      ...strict,
      examples: [
        {
          name: 'springfield',
          mode: 'dedicated',
          countries: ['US'],
          stock: { providerAccount: 'simulator', lowWater: 20, target: 50, max: 500 },
        },
      ],
    },
  ),
  answer: PoolComponent,
  statuses: { 201: 'The pool.' },
  errors: ['MASK_ALREADY_EXISTS', 'MASK_UNKNOWN_PROVIDER_ACCOUNT'],
  repeatable: 'by_key',
  audited: 'pool.created',
  location: (pool) => `/v1/pools/${pool.name}`,
  async run({ app, tenant, body }) {
    const pool = await createPool(app, {
      tenant,
      pool: {
        name: body.name,
        mode: body.mode ?? 'dedicated',
        selection: body.selection ?? 'avoid_sticky',
        countries: body.countries ?? [],
        numberQuarantineSeconds: body.numberQuarantineSeconds ?? POOL_LIMITS.numberQuarantineSeconds.default,
        pairQuarantineSeconds: body.pairQuarantineSeconds ?? POOL_LIMITS.pairQuarantineSeconds.default,
        graceSeconds: body.graceSeconds ?? POOL_LIMITS.graceSeconds.default,
        sessionTtlSeconds: body.sessionTtlSeconds ?? POOL_LIMITS.sessionTtlSeconds.default,
        ringTimeoutSeconds: body.ringTimeoutSeconds ?? POOL_LIMITS.ringTimeoutSeconds.default,
        maxCallSeconds: body.maxCallSeconds ?? POOL_LIMITS.maxCallSeconds.default,
        attestation: body.attestation ?? POLICY_DEFAULTS.attestation,
        recording: body.recording ?? POLICY_DEFAULTS.recording,
        attachments: body.attachments ?? POLICY_DEFAULTS.attachments,
        maskNumbersInMessages: body.maskNumbersInMessages ?? POLICY_DEFAULTS.maskNumbersInMessages,
        stepUp: body.stepUp ?? POLICY_DEFAULTS.stepUp,
        concurrentCallsMax: body.concurrentCallsMax ?? POLICY_DEFAULTS.concurrentCallsMax,
        hourlyAttemptsMax: body.hourlyAttemptsMax ?? POLICY_DEFAULTS.hourlyAttemptsMax,
        totalTalkSecondsMax: body.totalTalkSecondsMax ?? POLICY_DEFAULTS.totalTalkSecondsMax,
        verificationMaxAgeSeconds:
          body.verificationMaxAgeSeconds ?? POLICY_DEFAULTS.verificationMaxAgeSeconds,
        destinations:
          toDestinations(body.destinations) ?? app.destinationsDefault ?? POLICY_DEFAULTS.destinations,
        messagesPerMinuteMax: body.messagesPerMinuteMax ?? POLICY_DEFAULTS.messagesPerMinuteMax,
        messagesPerDayMax: body.messagesPerDayMax ?? POLICY_DEFAULTS.messagesPerDayMax,
        stock: toPolicyChanges({ stock: body.stock ?? null }).stock ?? null,
      },
    });
    const stockNow = await app.storage.run(tenant, (s) => s.pools.stockNow(pool.name, app.clock.now()));
    return { status: 201, body: toPoolAnswer(pool, stockNow) };
  },
});
