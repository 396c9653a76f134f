import type { Instant } from '../../lib/clock.ts';
import { type Database, statement, systemScope } from '../../storage/sql/connection.ts';
import { type BusMessage, type DeliveredMessage, MESSAGE_BYTES_MAXIMUM } from '../bus.ts';
import { messageBytes } from '../check-message.ts';
import type { ValueSealing } from './value-sealing.ts';

const CHUNK_MESSAGES = 500;
const CHUNK_BYTES = 4 * MESSAGE_BYTES_MAXIMUM;
/** A batch ends after the message that passes this, so that 200 large messages do not fill the memory. */
const BATCH_BYTES = 8 * MESSAGE_BYTES_MAXIMUM;
const TRIM_CHUNK = 5_000;

// The row of the topic is locked until the messages are committed: see the migration.
const busAppend = statement(
  'bus_append',
  `with claimed as (
     insert into bus_topic (topic, next_offset) values ($1, $2::bigint)
     on conflict (topic) do update set next_offset = bus_topic.next_offset + excluded.next_offset
     returning next_offset - $2::bigint as first_offset
   )
   insert into bus_message (topic, "offset", key, headers, value, published_at)
   select $1, claimed.first_offset + m.position - 1, m.key, m.headers::jsonb, m.value, $3
     from claimed, unnest($4::text[], $5::text[], $6::bytea[]) with ordinality as m(key, headers, value, position)`,
);
// Primary key (topic, offset), read forward from the group's position; bytes are added up over one batch only.
const busRead = statement(
  'bus_read',
  `select "offset"::text as "offset", key, headers, value from (
     select w.*, sum(octet_length(value)) over (order by "offset") - octet_length(value) as bytes_before from (
       select "offset", key, headers, value from bus_message
        where topic = $1 and "offset" >= $2::bigint order by "offset" limit $3
     ) w
   ) b where bytes_before < $4 order by b."offset"`,
);
const busLag = statement(
  'bus_lag',
  `select greatest(0, t.next_offset - greatest(
       coalesce((select g.next_offset from bus_group_offset g where g."group" = $2 and g.topic = t.topic), 0),
       coalesce((select m."offset" from bus_message m where m.topic = t.topic order by m."offset" limit 1),
                t.next_offset)
     ))::text as lag
     from bus_topic t where t.topic = $1`,
);
const busTrimOld = statement(
  'bus_trim_old',
  `delete from bus_message where (topic, "offset") in (
     select topic, "offset" from bus_message where published_at < $1 order by published_at limit $2
   ) returning 1`,
);
const busTrimSurplus = statement(
  'bus_trim_surplus',
  `delete from bus_message where (topic, "offset") in (
     select m.topic, m."offset" from bus_topic t join bus_message m using (topic)
      where m."offset" < t.next_offset - $1::bigint limit $2
   ) returning 1`,
);

interface MessageRow {
  readonly offset: string;
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly value: Uint8Array;
}

/** The messages of the embedded bus in their tables. */
export class MessageLog {
  readonly #database: Database;
  readonly #sealing: ValueSealing;

  constructor(database: Database, sealing: ValueSealing) {
    this.#database = database;
    this.#sealing = sealing;
  }

  /** Each chunk is one statement and so one transaction; a failure leaves whole chunks behind, in order. */
  async append(topic: string, messages: readonly BusMessage[], publishedAt: Instant): Promise<void> {
    for (const chunk of chunksOf(messages)) {
      const values = [
        topic,
        chunk.length,
        new Date(publishedAt),
        chunk.map((message) => message.key),
        chunk.map((message) => JSON.stringify(message.headers)),
        chunk.map((message) => asBuffer(this.#sealing.seal(message.value, topic))),
      ];
      await this.#database.run(systemScope, (connection) => connection.query(busAppend, values));
    }
  }

  async read(topic: string, from: bigint, batchSize: number): Promise<DeliveredMessage[]> {
    const rows = await this.#database.run(systemScope, (connection) =>
      connection.query<MessageRow>(busRead, [topic, String(from), batchSize, BATCH_BYTES]),
    );
    return rows.map((row) => ({
      topic,
      partition: 0,
      offset: BigInt(row.offset),
      key: row.key,
      headers: row.headers,
      value: this.#sealing.open(row.value, topic),
    }));
  }

  async lag(topic: string, group: string): Promise<bigint> {
    const [row] = await this.#database.run(systemScope, (connection) =>
      connection.query<{ lag: string }>(busLag, [topic, group]),
    );
    return BigInt(row?.lag ?? 0);
  }

  /** Removes what is older than `before`, and of each topic all but the newest `kept`. Returns how many. */
  async trim(before: Instant, kept: number): Promise<number> {
    let removed = 0;
    for (const [trim, limit] of [
      [busTrimOld, new Date(before)],
      [busTrimSurplus, kept],
    ] as const) {
      // In pieces: a long delete would hold up the single connection of an embedded database.
      for (let piece = TRIM_CHUNK; piece === TRIM_CHUNK; removed += piece) {
        const rows = await this.#database.run(systemScope, (connection) =>
          connection.query(trim, [limit, TRIM_CHUNK]),
        );
        piece = rows.length;
      }
    }
    return removed;
  }
}

function chunksOf(messages: readonly BusMessage[]): BusMessage[][] {
  const chunks: BusMessage[][] = [];
  let chunk: BusMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = messageBytes(message);
    if (chunk.length > 0 && (chunk.length === CHUNK_MESSAGES || bytes + size > CHUNK_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
