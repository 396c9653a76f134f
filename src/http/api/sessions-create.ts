import { Type } from 'typebox';
import { openOneTogether } from '../../app/open-together.ts';
import { MasklineError } from '../../domain/errors.ts';
import { POOL_LIMITS } from '../../domain/pool.ts';
import { PARTICIPANTS_MAXIMUM, PARTICIPANTS_MINIMUM } from '../../domain/session.ts';
import { assertNever } from '../../lib/assert.ts';
import { defineOperation, NOTHING } from '../operation.ts';
import { oneOf, PoolName, RealNumber, Reference, Role, strict, UserId, VerifiedAt } from './fields.ts';
import { readRealNumbers } from './real-number.ts';
import { readTimestamp } from './timestamp.ts';
import { SESSION_MODES, SessionComponent } from './session-component.ts';

export const ExpiresInSeconds = Type.Integer({
  minimum: 1,
  maximum: POOL_LIMITS.sessionTtlSeconds.maximum,
  description: 'How long from now the session lives, in seconds.',
});

export const sessionsCreate = defineOperation({
  id: 'createSession',
  method: 'POST',
  url: '/v1/sessions',
  tag: 'Sessions',
  scope: 'sessions:write',
  summary: 'Open a session',
  description:
    'Takes a virtual number for each participant. A higher `assignment` of the same `reference` closes the session before it.',
  params: NOTHING,
  query: NOTHING,
  body: Type.Object(
    {
      pool: PoolName,
      reference: Reference,
      assignment: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'Grows with every change of driver. By default the time in milliseconds.',
        }),
      ),
      mode: Type.Optional(oneOf(SESSION_MODES, { default: 'voice_and_message' })),
      expiresInSeconds: Type.Optional(ExpiresInSeconds),
      participants: Type.Array(
        Type.Object(
          {
            role: Role,
            userId: Type.Optional(UserId),
            realNumber: RealNumber,
            verifiedAt: Type.Optional(VerifiedAt),
          },
          strict,
        ),
        {
          minItems: PARTICIPANTS_MINIMUM,
          maxItems: PARTICIPANTS_MAXIMUM,
          description: 'Two may have the same role; no two may have the same number.',
        },
      ),
    },
    {
      ...strict,
      examples: [
        {
          pool: 'springfield',
          reference: 'order-4711',
          assignment: 1,
          participants: [
            { role: 'customer', userId: 'user-17', realNumber: '+12025550123' },
            { role: 'driver', userId: 'driver-4', realNumber: '+447700900456' },
          ],
        },
      ],
    },
  ),
  answer: SessionComponent,
  statuses: {
    201: 'The session is open, and its numbers work.',
    202: 'The pool has no number to spare: the session is pending, and opens as soon as one arrives.',
  },
  errors: [
    'MASK_INVALID_NUMBER',
    'MASK_EQUAL_NUMBERS',
    'MASK_NUMBER_NOT_ALLOWED',
    'MASK_PERSON_BLOCKED',
    'MASK_NUMBER_NOT_VERIFIED',
    'MASK_UNKNOWN_POOL',
    'MASK_ALREADY_EXISTS',
    'MASK_ASSIGNMENT_SUPERSEDED',
    'MASK_REFERENCE_ENDED',
  ],
  repeatable: 'by_key',
  location: (session) => `/v1/sessions/${session.id}`,
  async run({ app, tenant, body }) {
    const realNumbers = readRealNumbers(
      body.participants,
      (participant) => participant.realNumber,
      (index) => `/participants/${index}/realNumber`,
    );
    const opened = await openOneTogether(app, {
      tenant,
      pool: body.pool,
      reference: body.reference,
      assignment: body.assignment ?? null,
      mode: body.mode ?? 'voice_and_message',
      expiresInSeconds: body.expiresInSeconds ?? null,
      participants: body.participants.map(({ role, userId, verifiedAt }, index) => ({
        role,
        userId: userId ?? null,
        realNumber: realNumbers[index] ?? null,
        verifiedAt:
          verifiedAt === undefined ? null : readTimestamp(verifiedAt, `/participants/${index}/verifiedAt`),
      })),
      cause: null,
    });
    switch (opened.outcome) {
      case 'opened':
        return { status: 201, body: opened.session };
      case 'pending':
        return { status: 202, body: opened.session };
      case 'existing':
      case 'duplicate':
        throw new MasklineError(
          'MASK_ALREADY_EXISTS',
          'This reference and assignment have a session. Read it, or send a higher assignment.',
        );
      case 'superseded':
        throw new MasklineError(
          'MASK_ASSIGNMENT_SUPERSEDED',
          'A session with a higher assignment is known. Nothing was changed.',
        );
      case 'ended':
        throw new MasklineError('MASK_REFERENCE_ENDED', 'Use a new reference for a new order.');
      default:
        return assertNever(opened);
    }
  },
});
