import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Instant } from '../../../../src/lib/clock.ts';
import type { OrderStatus, Role } from '../api-types.ts';

export interface Order {
  readonly seq: number;
  readonly orderId: string;
  readonly item: string;
  readonly customerId: string;
  readonly driverId: string | null;
  readonly status: OrderStatus;
  readonly assignment: number;
  readonly placedAt: Instant;
  readonly endedAt: Instant | null;
}

export interface NewOrder {
  readonly orderId: string;
  readonly item: string;
  readonly customerId: string;
  readonly placedAt: Instant;
}

/** Orders that ended are history: a page shows the last of them only. */
const ENDED_LIMIT = 20;
/** Most orders under way that one list shows. */
const UNDER_WAY_LIMIT = 200;

const COLUMNS = `seq, order_id AS orderId, item, customer_id AS customerId, driver_id AS driverId, status,
  assignment, placed_at AS placedAt, ended_at AS endedAt`;
const UNDER_WAY = `status IN ('placed', 'assigned')`;
const ENDED = `status IN ('completed', 'cancelled')`;

/** The company's Orders store. What the events of Maskline add to an order is in SessionStore. */
export class OrderStore {
  readonly #insert: StatementSync;
  readonly #get: StatementSync;
  readonly #assign: StatementSync;
  readonly #end: StatementSync;
  readonly #list: StatementSync;
  readonly #byCustomer: StatementSync;
  readonly #byDriver: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO customer_order (order_id, item, customer_id, status, placed_at)
       VALUES (?, ?, ?, 'placed', ?) RETURNING ${COLUMNS}`,
    );
    this.#get = database.prepare(`SELECT ${COLUMNS} FROM customer_order WHERE order_id = ?`);
    this.#assign = database.prepare(
      `UPDATE customer_order SET driver_id = ?, status = 'assigned', assignment = assignment + 1
       WHERE order_id = ? AND ${UNDER_WAY} RETURNING ${COLUMNS}`,
    );
    this.#end = database.prepare(
      `UPDATE customer_order SET status = ?, ended_at = ?
       WHERE order_id = ? AND ${UNDER_WAY} RETURNING ${COLUMNS}`,
    );
    this.#list = database.prepare(listSql(''));
    this.#byCustomer = database.prepare(listSql('AND customer_id = ?1'));
    this.#byDriver = database.prepare(listSql('AND driver_id = ?1'));
  }

  insert(order: NewOrder): Order {
    return this.#insert.get(order.orderId, order.item, order.customerId, order.placedAt) as unknown as Order;
  }

  get(orderId: string): Order | null {
    return (this.#get.get(orderId) as Order | undefined) ?? null;
  }

  /** Gives the order another driver and counts the assignment up; null when the order is not under way. */
  assign(orderId: string, driverId: string): Order | null {
    return (this.#assign.get(driverId, orderId) as Order | undefined) ?? null;
  }

  /** null when the order is not under way. */
  end(orderId: string, status: 'completed' | 'cancelled', now: Instant): Order | null {
    return (this.#end.get(status, now, orderId) as Order | undefined) ?? null;
  }

  /** Orders under way, newest first, then the last that ended. */
  list(): Order[] {
    return this.#list.all() as unknown as Order[];
  }

  listOf(role: Role, userId: string): Order[] {
    const statement = role === 'customer' ? this.#byCustomer : this.#byDriver;
    return statement.all(userId) as unknown as Order[];
  }
}

function listSql(condition: string): string {
  return `SELECT * FROM (SELECT ${COLUMNS} FROM customer_order WHERE ${UNDER_WAY} ${condition}
                         ORDER BY seq DESC LIMIT ${UNDER_WAY_LIMIT})
          UNION ALL
          SELECT * FROM (SELECT ${COLUMNS} FROM customer_order WHERE ${ENDED} ${condition}
                         ORDER BY ended_at DESC, seq DESC LIMIT ${ENDED_LIMIT})`;
}
