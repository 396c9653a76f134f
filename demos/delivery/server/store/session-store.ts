import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Role } from '../api-types.ts';

export type SessionState = 'pending' | 'open' | 'closed';

export interface MaskingSession {
  readonly orderId: string;
  readonly assignment: number;
  readonly sessionId: string;
  readonly state: SessionState;
  readonly closedReason: string | null;
  /** when Maskline said so, RFC 3339; null when its event had no time */
  readonly saidAt: string | null;
}

export interface MaskingParticipant {
  readonly role: string;
  readonly userId: string | null;
  readonly virtualNumber: string;
}

/** Whom a virtual number stands for, as one party of an order under way knows it. */
export interface KnownContact {
  readonly orderId: string;
  readonly seq: number;
  readonly role: Role;
  readonly name: string;
}

/**
 * What Maskline's events say about our orders: one session for each (order, assignment) and the virtual number
 * that stands for each participant. Rows stay after the close, so that a call log can still tell a virtual
 * number from anything else.
 */
export class SessionStore {
  readonly #get: StatementSync;
  readonly #save: StatementSync;
  readonly #participants: StatementSync;
  readonly #saveParticipant: StatementSync;
  readonly #isVirtualNumber: StatementSync;
  readonly #contact: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare(
      `SELECT order_id AS orderId, assignment, session_id AS sessionId, state, closed_reason AS closedReason,
              said_at AS saidAt
       FROM masking_session WHERE order_id = ? AND assignment = ?`,
    );
    this.#save = database.prepare(
      `INSERT INTO masking_session (order_id, assignment, session_id, state, closed_reason, said_at)
       VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (order_id, assignment) DO UPDATE
       SET session_id = excluded.session_id, state = excluded.state, closed_reason = excluded.closed_reason,
           said_at = excluded.said_at`,
    );
    this.#participants = database.prepare(
      `SELECT role, user_id AS userId, virtual_number AS virtualNumber
       FROM masking_participant WHERE order_id = ? AND assignment = ?`,
    );
    this.#saveParticipant = database.prepare(
      `INSERT INTO masking_participant (order_id, assignment, role, user_id, virtual_number)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (order_id, assignment, role) DO UPDATE
       SET user_id = excluded.user_id, virtual_number = excluded.virtual_number`,
    );
    this.#isVirtualNumber = database.prepare(
      'SELECT 1 FROM masking_participant WHERE virtual_number = ? LIMIT 1',
    );
    // Only the current assignment's open session counts: in a shared pool, and after quarantine, the same
    // number stands for other people in other sessions.
    this.#contact = database.prepare(
      `SELECT o.order_id AS orderId, o.seq AS seq, other.role AS role, p.name AS name
       FROM masking_participant other
       JOIN customer_order o ON o.order_id = other.order_id AND o.assignment = other.assignment
       JOIN masking_session s ON s.order_id = other.order_id AND s.assignment = other.assignment
       JOIN profile p ON p.user_id = other.user_id
       WHERE other.virtual_number = ?1 AND s.state = 'open' AND o.status <> 'cancelled'
         AND ((other.role = 'driver' AND o.customer_id = ?2) OR (other.role = 'customer' AND o.driver_id = ?2))
       LIMIT 1`,
    );
  }

  get(orderId: string, assignment: number): MaskingSession | null {
    return (this.#get.get(orderId, assignment) as MaskingSession | undefined) ?? null;
  }

  save(session: MaskingSession): void {
    this.#save.run(
      session.orderId,
      session.assignment,
      session.sessionId,
      session.state,
      session.closedReason,
      session.saidAt,
    );
  }

  participants(orderId: string, assignment: number): MaskingParticipant[] {
    return this.#participants.all(orderId, assignment) as unknown as MaskingParticipant[];
  }

  saveParticipants(orderId: string, assignment: number, participants: readonly MaskingParticipant[]): void {
    for (const { role, userId, virtualNumber } of participants)
      this.#saveParticipant.run(orderId, assignment, role, userId, virtualNumber);
  }

  /** Whether this number has ever stood for somebody in one of our orders. */
  isVirtualNumber(text: string): boolean {
    return this.#isVirtualNumber.get(text) !== undefined;
  }

  contactOf(virtualNumber: string, userId: string): KnownContact | null {
    return (this.#contact.get(virtualNumber, userId) as KnownContact | undefined) ?? null;
  }
}
