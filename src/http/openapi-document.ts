import { fastify } from 'fastify';
import { OPERATIONS } from './api/operations.ts';
import { collectOpenApi, describeRoute } from './openapi.ts';

/** The document that `/openapi.json` serves, made without a service, for `docs/` and for clients to be made of. */
export async function createOpenApiDocument(version: string): Promise<object> {
  const http = fastify();
  await collectOpenApi(http, version);
  for (const operation of OPERATIONS) {
    http.route({ ...describeRoute(operation), handler: async () => null });
  }
  await http.ready();
  return http.swagger();
}
