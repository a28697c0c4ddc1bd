// Shows the main use: two stacks in one process on their own switch, with a TCP echo and a UDP exchange between them.
//
//     npx tsx examples/demo.ts
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AF_INET, AF_INET6, SHUT_WR, SOCK_DGRAM, SOCK_STREAM, Stack } from 'ioth';

const directory = mkdtempSync(join(tmpdir(), 'ioth-demo-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

await using left = new Stack('vdestack', `switch://${directory}/sw`);
await using right = new Stack('vdestack', `vde://${directory}/sw`);
configure(left, '10.0.0.1', 'fd00::1');
configure(right, '10.0.0.2', 'fd00::2');
console.log(left);
console.log(right);

using listener = left.socket(AF_INET, SOCK_STREAM);
listener.bind(['10.0.0.1', 5000]);
listener.listen();
await Promise.all([echoOnce(), talk()]);

using leftUdp = left.socket(AF_INET6, SOCK_DGRAM);
using rightUdp = right.socket(AF_INET6, SOCK_DGRAM);
leftUdp.bind(['fd00::1', 5000]);
await rightUdp.sendto('ping', ['fd00::1', 5000]);
const [ping, peer] = await leftUdp.recvfrom(1500);
console.log(`UDP  left got '${ping}' from [${peer.address}]:${peer.port}`);
await leftUdp.sendto('pong', peer);
console.log(`UDP  right got '${await rightUdp.recv(1500)}'`);

function configure(stack: Stack, ipv4: string, ipv6: string): void {
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, ipv4, 24, ifindex);
  stack.ipaddr_add(AF_INET6, ipv6, 64, ifindex);
}

async function echoOnce(): Promise<void> {
  const [connection, { address, port }] = await listener.accept();
  console.log(`TCP  left accepted ${address}:${port}`);
  for await (const data of connection.stream()) await connection.sendall(data);
  connection.close();
}

async function talk(): Promise<void> {
  using socket = right.socket(AF_INET, SOCK_STREAM);
  await socket.connect(['10.0.0.1', 5000]);
  for (const line of ['hello', 'from another stack']) {
    await socket.sendall(line);
    console.log(`TCP  right sent '${line}', got '${await socket.recv(1500)}'`);
  }
  socket.shutdown(SHUT_WR);
}
