/**
 * Sends and leaves: `sender.ts WAY BYTES VNL NUMBER`. The stack is 10.0.0.NUMBER, the receiver listens on 10.0.0.1, port 7, and
 * port 8 with a small buffer.
 */
import { SO_SNDBUF, SOL_SOCKET, Stack } from '../../../lib/index.js';
import { waitForNeighbours } from '../neighbours.js';
import { slowClock } from '../slow-clock.js';

const [way = '', bytes = '0', vnl = '', number = '2'] = process.argv.slice(2);

// the limits of its end are for peers that hang, not for a machine that rests
slowClock();
const stack = new Stack('vdestack', vnl);
const ifindex = stack.if_nametoindex('vde0');
waitForNeighbours(stack, ifindex);
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(2, `10.0.0.${number}`, 24, ifindex);
const socket = stack.socket();
// the peer takes next to nothing, and this socket all of it
if (way.endsWith('in vain')) socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 200_000);
await socket.connect(['10.0.0.1', way.endsWith('in vain') ? 8 : 7]);
const data = Buffer.alloc(Number(bytes), 'data');

if (way === 'stream') {
  const stream = socket.stream();
  stream.end(data);
  await new Promise((resolve) => stream.once('finish', resolve));
  await stack.close();
} else {
  await socket.sendall(data);
}
if (way.endsWith('in vain')) console.log('ending');

switch (way) {
  case 'close':
    socket.close();
    await stack.close();
    break;
  case 'closeSync':
    socket.close();
    stack.closeSync();
    break;
  case 'exit':
    process.exit(0);
    break;
  case 'exception':
    throw new Error('nobody catches this');
  case 'SIGTERM':
  case 'SIGTERM in vain':
    process.kill(process.pid, 'SIGTERM');
    setInterval(() => {}, 1000);
}
