import { createServer } from 'node:http';

// The smallest service that answers as Maskline does, so that a figure is the edge's and not the database's. It
// runs in a process of its own.

const [port = '0', destination = '+447700900456', callerId = '+441632960000'] = process.argv.slice(2);
const decision = JSON.stringify({
  ...{ decision: 'bridge', destination, callerId },
  ...{ ringTimeoutSeconds: 25, maxCallSeconds: 3600, sessionId: 'bench' },
});
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.on('end', () => {
    const body = request.url?.endsWith('/route-decisions') ? decision : '{}';
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
});
server.listen(Number(port), '127.0.50.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
