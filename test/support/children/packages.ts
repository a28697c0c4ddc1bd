/**
 * A host with the servers of real packages: `packages.ts VNL`, 10.0.0.7 and fd00::7. What express and ws say on port 80, an
 * http2 server that takes HTTP/1.1 too on port 443. Ends by itself when its standard input does.
 */
import { createSecureServer } from 'node:http2';
import express from 'express';
import { WebSocketServer } from 'ws';
import { Stack } from '../../../lib/index.js';
import { selfSigned } from '../certificate.js';
import { waitForNeighbours } from '../neighbours.js';
import { PATIENCE_MS } from '../until.js';

const [vnl = ''] = process.argv.slice(2);
const stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.7/24,ip=fd00::7/64`);
waitForNeighbours(stack, stack.if_nametoindex('vde0'));

const app = express();
app.use(express.json());
app.get('/', (request, response) => {
  response.json({ ip: request.ip, host: request.hostname });
});
app.post('/sum', (request, response) => {
  response.json({ ip: request.ip, sum: request.body.reduce((sum: number, n: number) => sum + n, 0) });
});

stack.run(() => {
  const server = app.listen(80);
  // a client that stands still for the five seconds of Node's servers would find its connection closed
  server.keepAliveTimeout = PATIENCE_MS;
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    socket.on('message', (data, isBinary) => socket.send(isBinary ? data : `${request.socket.remoteAddress} ${data}`));
  });
  const secure = createSecureServer({ ...selfSigned(), allowHTTP1: true }, (request, response) => {
    const { httpVersion, socket } = request;
    response.end(`HTTP/${httpVersion} ${request.headers['x-name'] ?? ''} ${socket.remoteAddress}`);
  });
  Object.assign(secure, { keepAliveTimeout: PATIENCE_MS });
  secure.listen(443, () => console.log(`ready ${stack.daemonPid}`));
});

// closes the servers and what is connected to them
process.stdin.resume().on('end', () => stack.close());
