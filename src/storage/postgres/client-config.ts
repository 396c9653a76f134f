import type { ClientConfig, CustomTypesConfig } from 'pg';
import { columnParser } from '../column-values.ts';
import type { PostgresSettings } from './postgres-options.ts';

export function clientConfig(url: string, settings: PostgresSettings): ClientConfig {
  return {
    connectionString: url,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1_000,
    types: { getTypeParser: columnParser as NonNullable<CustomTypesConfig['getTypeParser']> },
  };
}

/** Why connecting failed. Without the cause, which may hold the connection string. */
export function connectFailure(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(connectFailure).join(', ');
  return error instanceof Error ? error.message || error.name : String(error);
}
