import type { Stream } from './toxic.ts';
import type { Tap, Wire } from './fault-proxy.ts';

/** What happens to one statement on its way. */
export type StatementFault =
  /** the server is said to have refused it, and has never seen it; the code is an SQLSTATE */
  | { readonly kind: 'refused'; readonly sqlState: '40001' | '40P01' }
  /** the server is said to have ended the session, and has never seen it */
  | { readonly kind: 'terminated' }
  /** it reaches the server, and the connection breaks before the answer comes back; `onReply` is called at that moment */
  | { readonly kind: 'lost_reply'; readonly onReply?: () => void }
  /** it does not reach the server, and the connection breaks */
  | { readonly kind: 'lost_request' };

/**
 * Shown what is sent, and what was sent before it on that connection: the name of a prepared statement, or the text
 * of a simple query.
 */
export type JudgeStatement = (statement: string, previous: string) => StatementFault | null;

const [QUERY, PARSE, BIND, SYNC] = ['Q', 'P', 'B', 'S'];
/** Of the start of a connection: a length, and no letter before it. */
const LETTERS = /[A-Za-z]/;

/** Understands enough of PostgreSQL's protocol (version 3) to let single statements fail as a server would. */
export function postgresTap(judge: JudgeStatement): (wire: Wire) => Tap {
  return (wire) => {
    let started = false;
    let unread = Buffer.alloc(0);
    /** messages up to the one that ends a statement */
    let unit: Buffer[] = [];
    let name = '';
    let previous = '';
    let onReply: (() => void) | null = null;

    function upstream(bytes: Buffer): Buffer | null {
      unread = Buffer.concat([unread, bytes]);
      const passed: Buffer[] = [];
      for (let message = next(); message; message = next()) {
        if (!started) {
          started = true;
          passed.push(message);
          continue;
        }
        const letter = String.fromCharCode(message[0] ?? 0);
        unit.push(message);
        if (letter === QUERY) name = textAt(message, 5);
        if (letter === PARSE) name = textAt(message, 5);
        if (letter === BIND) name = textAt(message, 6 + textAt(message, 5).length);
        if (letter !== QUERY && letter !== SYNC) {
          // What is not part of a statement, such as a password, goes on at once.
          if (![PARSE, BIND, 'D', 'E', 'C', 'H'].includes(letter)) passed.push(...unit.splice(0));
          continue;
        }
        const whole = unit;
        unit = [];
        const fault = judge(name, previous);
        previous = name;
        if (fault === null) passed.push(...whole);
        else passed.push(...befall(fault, whole));
      }
      return passed.length === 0 ? null : Buffer.concat(passed);
    }

    function next(): Buffer | null {
      const typed = started && LETTERS.test(String.fromCharCode(unread[0] ?? 0));
      const at = typed ? 1 : 0;
      if (unread.length < at + 4) return null;
      const length = at + unread.readInt32BE(at);
      if (unread.length < length) return null;
      const message = unread.subarray(0, length);
      unread = unread.subarray(length);
      return message;
    }

    function befall(fault: StatementFault, whole: Buffer[]): Buffer[] {
      switch (fault.kind) {
        case 'refused':
          wire.answer(Buffer.concat([errorResponse('ERROR', fault.sqlState), readyForQuery()]));
          return [];
        case 'terminated':
          wire.answer(errorResponse('FATAL', '57P01'));
          setImmediate(() => wire.close());
          return [];
        case 'lost_request':
          setImmediate(() => wire.reset());
          return [];
        case 'lost_reply':
          onReply = () => {
            fault.onReply?.();
            wire.reset();
          };
          return whole;
        default:
          return whole;
      }
    }

    function downstream(bytes: Buffer): Buffer | null {
      if (!onReply) return bytes;
      onReply();
      return null;
    }

    return { upstream, downstream } satisfies Record<Stream, (bytes: Buffer) => Buffer | null>;
  };
}

function textAt(message: Buffer, from: number): string {
  return message.toString('utf8', from, message.indexOf(0, from));
}

function errorResponse(severity: string, sqlState: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, 'Ma fault of the test'];
  const body = Buffer.concat([...fields.map((field) => Buffer.from(`${field}\0`)), Buffer.from('\0')]);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** Idle: the client rolls back in any case. */
function readyForQuery(): Buffer {
  return Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
}
