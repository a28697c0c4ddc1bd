// Makes a stack the default of the whole program: code that knows nothing about ioth uses it until that is undone.
//
//     npx tsx examples/override.ts switch:///tmp/net
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { override, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/override.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

const stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.1/24`);
const takeBack = override(stack);

const server = createServer((socket) => socket.end(`you are ${socket.remoteAddress}`)).listen(5000, '10.0.0.1');
await once(server, 'listening');
const [answer] = await once(connect(5000, '10.0.0.1'), 'data');
console.log(`on the stack: ${answer}`);

takeBack();
const stray = createServer().listen(5000, '10.0.0.1');
const [error] = await once(stray, 'error');
console.log(`on the host: ${error.code}`);
await stack.close(); // also closes the server
