/**
 * Sends and leaves: `sender.ts WAY BYTES VNL NUMBER`. The stack is 10.0.0.NUMBER, the receiver listens on 10.0.0.1, port 7.
 */
import { Stack } from '../../../lib/index.js';

const [way = '', bytes = '0', vnl = '', number = '2'] = process.argv.slice(2);

const stack = new Stack('vdestack', vnl);
const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(2, `10.0.0.${number}`, 24, ifindex);
const socket = stack.socket();
await socket.connect(['10.0.0.1', 7]);
const data = Buffer.alloc(Number(bytes), 'data');

if (way === 'stream') {
  const stream = socket.stream();
  stream.end(data);
  await new Promise((resolve) => stream.once('finish', resolve));
  await stack.close();
} else if (way === 'in vain') {
  // more than the peer takes: what does not fit into the buffers stays in the program
  socket.settimeout(1);
  await socket.sendall(data).catch(() => {});
  const start = performance.now();
  socket.close();
  await stack.close({ linger: 1 });
  console.log(`closed ${Math.round(performance.now() - start)}`);
} else if (way === 'end in vain' || way === 'SIGTERM in vain') {
  socket.settimeout(1);
  await socket.sendall(data).catch(() => {});
  console.log('ending');
} else {
  await socket.sendall(data);
}

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
