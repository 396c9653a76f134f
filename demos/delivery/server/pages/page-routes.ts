import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { sendHtml } from './send-html.ts';
import { waitPage } from './wait-page.ts';

const PAGES = ['/', '/customer/:userId', '/driver/:userId', '/phone/:userId'] as const;

interface PageRouteOptions {
  /** where the built pages are, or will be */
  readonly assetsDir: string;
  /** resolves when they are there */
  readonly pagesReady: Promise<void>;
}

/**
 * Serves the built pages: one document for every address, and its files, whose names change with their content.
 * Until they are built, a page that asks again by itself.
 */
export async function registerPages(app: FastifyInstance, options: PageRouteOptions): Promise<void> {
  const { assetsDir, pagesReady } = options;
  let state: 'building' | 'ready' | 'failed' = 'building';
  pagesReady.then(
    () => (state = 'ready'),
    () => (state = 'failed'),
  );

  mkdirSync(assetsDir, { recursive: true });
  await app.register(fastifyStatic, { root: assetsDir, serve: false });
  app.get('/assets/*', (request, reply) => {
    const { '*': name } = request.params as { '*': string };
    return reply.sendFile(`assets/${name}`, { maxAge: '365d', immutable: true });
  });

  for (const address of PAGES) {
    app.get(address, async (_request, reply) => {
      if (state !== 'ready') return sendHtml(reply.code(503).header('retry-after', '2'), waitPage(state));
      return sendHtml(reply, await readFile(join(assetsDir, 'index.html'), 'utf8'));
    });
  }
}
