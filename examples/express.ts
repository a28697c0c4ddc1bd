// An express application on its own stack, http://10.0.0.1/.
//
//     npx tsx examples/express.ts switch:///tmp/net
//
// The VNL switch:///tmp/net makes a virtual switch; fetch.ts joins it with vde:///tmp/net. Ctrl-C ends the server.
import express from 'express';
import { Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/express.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

const stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.1/24`);
const end = () => stack.close();
process.on('SIGINT', end);
process.on('SIGTERM', end);

const app = express();
app.get('/', (request, response) => {
  console.log(`${request.ip} asks`);
  response.send(`express says hello to ${request.ip}\n`);
});
// express needs no change: a server that is started in run listens on the stack
stack.run(() => app.listen(80, '10.0.0.1', () => console.log('listening on http://10.0.0.1/')));
