import { once } from 'node:events';
import { createServer } from 'node:http';

const NEUTRAL = JSON.stringify({ action: 'announce', text: 'The number cannot be connected.' });

/** While `work` goes on, a document on a web server that answers every call alike, and takes no reports of how they end. */
export async function withStaticFallback(port: number, work: () => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const status = request.url?.endsWith('/answer') === true ? 200 : 503;
    response.writeHead(status, { 'content-type': 'application/json' }).end(NEUTRAL);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
