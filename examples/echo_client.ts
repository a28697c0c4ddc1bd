// A TCP client on its own stack: sends the lines of standard input to 10.0.0.1:5000 and prints the answers.
//
//     npx tsx examples/echo_client.ts vde:///tmp/net
//
// The end of input (Ctrl-D) ends it after the server's last answer.
import { createInterface } from 'node:readline';
import { AF_INET, SHUT_WR, SOCK_STREAM, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/echo_client.ts VNL        such as vde:///tmp/net');
  process.exit(2);
}

await using stack = new Stack('vdestack', vnl);
const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(AF_INET, '10.0.0.2', 24, ifindex);
stack.iproute_add(AF_INET, '10.0.0.254');

const socket = stack.socket(AF_INET, SOCK_STREAM);
await socket.connect(['10.0.0.1', 5000]);
const { address, port } = socket.getpeername();
console.error(`connected to ${address}:${port}`);

const lines = createInterface({ input: process.stdin });
await Promise.all([sendLines(), printAnswers()]);

async function sendLines(): Promise<void> {
  for await (const line of lines) await socket.sendall(`${line}\n`);
  // the server reads the end of the stream, and can still answer
  socket.shutdown(SHUT_WR);
}

async function printAnswers(): Promise<void> {
  for (;;) {
    const data = await socket.recv(65536);
    if (data.length === 0) break;
    process.stdout.write(data);
  }
  lines.close();
}
