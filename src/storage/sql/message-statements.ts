import type { DecisionReason } from '../../domain/route.ts';
import type { VirtualNumber } from '../../domain/virtual-number.ts';
import type { Instant } from '../../lib/clock.ts';
import type { MessageRecord, MessageStorage } from '../storage.ts';
import { type SqlConnection, statement } from './connection.ts';
import { at } from './parameters.ts';

const COLUMNS = `id, session_id, provider_message_id, sending_role, receiving_role, virtual_number, sender_id,
  decision, reason, created_at`;

interface Row {
  readonly id: string;
  readonly session_id: string | null;
  readonly provider_message_id: string;
  readonly sending_role: string | null;
  readonly receiving_role: string | null;
  readonly virtual_number: string;
  readonly sender_id: VirtualNumber | null;
  readonly decision: 'relay' | 'drop';
  readonly reason: DecisionReason;
  readonly created_at: Instant;
}

const messageInsert = statement(
  'message_insert',
  `with decided as (
     insert into message (tenant, id, provider_account, provider_message_id, session_id, reference, sending_role,
         receiving_role, virtual_number, caller_key, sender_id, decision, reason, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (tenant, provider_account, provider_message_id) do nothing
     returning id),
   announced as (
     insert into outbox (tenant, event_id, type, key, data, occurred_at)
     select $1, $15, $16, $17, $18::jsonb, $14 from decided)
   select id from decided`,
);
const messageDecided = statement(
  'message_decided',
  `select m.id, m.session_id, m.provider_message_id, m.sending_role, m.receiving_role, m.virtual_number, m.sender_id,
          m.decision, m.reason, m.created_at, m.caller_key, r.sealed_destination,
          r.attachments, r.mask_numbers, k.key as participant_key
     from message m
     left join route r on r.tenant = m.tenant and r.virtual_number = m.virtual_number
       and r.caller_key = m.caller_key and r.session_id = m.session_id and r.live_until > $4
       and r.blocked_by is null
     left join participant_key k on k.tenant = r.tenant and k.session_id = r.session_id
       and k.participant_id = r.called_participant
    where m.tenant = $1 and m.provider_account = $2 and m.provider_message_id = $3`,
);
const messageRefuse = statement(
  'message_refuse',
  `update message set decision = 'drop', reason = $3, sender_id = null where tenant = $1 and id = $2`,
);
const messageList = statement(
  'message_list',
  `select ${COLUMNS} from message
    where tenant = $1 and ($2::text is null or session_id = $2) and ($3::text is null or id < $3)
    order by id desc limit $4`,
);

export function messageStatements(connection: SqlConnection, tenant: string): MessageStorage {
  return {
    async insert(message, { eventId, event }) {
      const rows = await connection.query(messageInsert, [
        tenant,
        message.id,
        message.providerAccount,
        message.providerMessageId,
        message.sessionId,
        message.reference,
        message.sendingRole,
        message.receivingRole,
        message.virtualNumber,
        message.callerKey,
        message.senderId,
        message.decision,
        message.reason,
        at(message.createdAt),
        eventId,
        event.type,
        event.key,
        JSON.stringify(event.data),
      ]);
      return rows.length > 0;
    },
    async refuse(id, reason) {
      await connection.query(messageRefuse, [tenant, id, reason]);
    },
    async decided(providerAccount, providerMessageId, now) {
      type DecidedRow = Row & {
        caller_key: Uint8Array | null;
        sealed_destination: Uint8Array | null;
        attachments: boolean | null;
        mask_numbers: boolean | null;
        participant_key: Uint8Array | null;
      };
      const values = [tenant, providerAccount, providerMessageId, at(now)];
      const [row] = await connection.query<DecidedRow>(messageDecided, values);
      if (!row) return null;
      return {
        ...toMessageRecord(row),
        callerKey: row.caller_key,
        sealedDestination: row.sealed_destination,
        attachments: row.attachments,
        maskNumbers: row.mask_numbers,
        participantKey: row.participant_key,
      };
    },
    async list(filter, page) {
      const rows = await connection.query<Row>(messageList, [
        tenant,
        filter.sessionId,
        page.after,
        page.limit,
      ]);
      return rows.map(toMessageRecord);
    },
  };
}

function toMessageRecord(row: Row): MessageRecord {
  return {
    id: row.id,
    sessionId: row.session_id,
    providerMessageId: row.provider_message_id,
    sendingRole: row.sending_role,
    receivingRole: row.receiving_role,
    virtualNumber: row.virtual_number,
    senderId: row.sender_id,
    decision: row.decision,
    reason: row.reason,
    createdAt: row.created_at,
  };
}
