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

/** Two people and the line between them. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="none" stroke="#146c5f" stroke-width="4"><circle cx="8" cy="16" r="5"/><circle cx="24" cy="16" r="5"/><path d="M13 16h6"/></g></svg>';

export async function serveDocsPage(http: FastifyInstance): Promise<void> {
  await http.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: {
      title: 'Maskline API',
      favicon: [{ filename: 'icon.svg', rel: 'icon', sizes: 'any', type: 'image/svg+xml', content: ICON }],
    },
    // Without the bar on top, which is there to load documents from elsewhere.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', persistAuthorization: false, validatorUrl: null },
  });
}
