import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/**
 * The page at `/docs`. Everything it loads comes from this server, and the browser is told so: no host but our
 * own in any directive. Swagger UI sets style attributes and draws its icons from data URLs.
 */
const CONTENT_SECURITY_POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

export async function serveDocsPage(http: FastifyInstance): Promise<void> {
  await http.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: { title: 'Maskline API' },
    uiConfig: { docExpansion: 'list', persistAuthorization: false, validatorUrl: null },
  });
}
