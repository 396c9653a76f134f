import { createServer } from 'node:net';

// The smallest service that answers as Maskline does, in a process of its own, so that a figure is the edge's and not the
// database's. It shares the two processors with what is measured, so it reads no more of HTTP than where a request ends:
// Node's own HTTP server costs 0.2 ms a call here, as much as the look-up itself.

const [port = '0', destination = '+447700900456', callerId = '+441632960000'] = process.argv.slice(2);
const decision = JSON.stringify({
  ...{ decision: 'bridge', destination, callerId },
  ...{ ringTimeoutSeconds: 25, maxCallSeconds: 3600, sessionId: 'bench' },
});
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const [DECISION, TAKEN] = [answer(decision), answer('{}')];

const server = createServer({ noDelay: true }, (socket) => {
  let unread = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    unread += chunk;
    for (;;) {
      const head = unread.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(unread.slice(0, head))?.[1] ?? 0);
      if (unread.length < head + 4 + length) return;
      socket.write(unread.startsWith('POST /v1/route-decisions') ? DECISION : TAKEN);
      unread = unread.slice(head + 4 + length);
    }
  });
});
server.listen(Number(port), '127.0.50.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address ? address.port : 0}\n`);
});
