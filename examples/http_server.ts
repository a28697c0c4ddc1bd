// Node's http server on its own stack, http://10.0.0.1/.
//
//     npx tsx examples/http_server.ts switch:///tmp/net
//
// The VNL switch:///tmp/net makes a virtual switch; fetch.ts joins it with vde:///tmp/net. Ctrl-C ends the server.
import { createServer } from 'node:http';
import { Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/http_server.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

const stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.1/24`);
const end = () => stack.close();
process.on('SIGINT', end);
process.on('SIGTERM', end);

const server = createServer((request, response) => {
  const { remoteAddress } = request.socket;
  console.log(`${remoteAddress} asks for ${request.url}`);
  response.end(`hello ${remoteAddress}\n`);
});
// a server of any library that is started in run listens on the stack: express, ws …
stack.run(() => server.listen(80, '10.0.0.1', () => console.log('listening on http://10.0.0.1/')));
