/** Where the adapters say what an operator should know. A pino logger is one. */
export interface StorageLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: StorageLog = { info() {}, warn() {}, error() {} };
