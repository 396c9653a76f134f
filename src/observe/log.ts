import { type Logger, pino } from 'pino';

/** What the rest of the service needs of a logger. ERROR means that a person must act now. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}

/** The logger that main makes; frameworks that want more than we use get it whole. */
export type RootLog = Logger;

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
};

/**
 * The second net, below the PhoneNumber type: any run of 7 to 15 digits that looks like a phone number is
 * masked in whatever text reaches a log line. Instants, ids and durations of ours do not look like that.
 */
const NUMBER_LIKE = /(?:\+|%2[bB])[1-9][0-9][0-9 ().-]{4,18}[0-9]/g;

export function redact(text: string): string {
  return text.replace(NUMBER_LIKE, '[number]');
}

export function createLog(options: { level: string; destination?: { write(line: string): void } }): RootLog {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    redacting(options.destination ?? process.stdout),
  );
}

function redacting(destination: { write(line: string): void }): { write(line: string): void } {
  return { write: (line) => destination.write(redact(line)) };
}
