// A TCP echo server on its own stack, 10.0.0.1:5000.
//
//     npx tsx examples/echo_server.ts switch:///tmp/net
//
// The VNL switch:///tmp/net makes a virtual switch; echo_client joins it with vde:///tmp/net. Ctrl-C ends the server.
import { AF_INET, SOCK_STREAM, type Socket, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/echo_server.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

const stack = new Stack('vdestack', vnl);
const end = () => stack.close();
process.on('SIGINT', end);
process.on('SIGTERM', end);

const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);
stack.iproute_add(AF_INET, '10.0.0.254');

const socket = stack.socket(AF_INET, SOCK_STREAM);
socket.bind(['', 5000]);
const listener = socket.listen();
console.log('listening on 10.0.0.1:5000');

for await (const connection of listener) {
  echo(connection).catch((error) => {
    if (!stack.closed) console.log(error.message);
  });
}

async function echo(accepted: Socket): Promise<void> {
  using connection = accepted;
  const { address, port } = connection.getpeername();
  console.log(`${address}:${port} connected`);
  for (;;) {
    const data = await connection.recv(65536);
    if (data.length === 0) break;
    console.log(`${address}:${port} says ${JSON.stringify(data.toString())}`);
    await connection.sendall(data);
  }
  console.log(`${address}:${port} closed`);
}
