// A UDP echo server on its own stack, 10.0.0.1:5000.
//
//     npx tsx examples/udp_server.ts switch:///tmp/net
//
// The VNL switch:///tmp/net makes a virtual switch; udp_client joins it with vde:///tmp/net. Ctrl-C ends the server.
import { AF_INET, SOCK_DGRAM, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/udp_server.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

const stack = new Stack('vdestack', vnl);
const end = () => stack.close();
process.on('SIGINT', end);
process.on('SIGTERM', end);

const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);

const socket = stack.socket(AF_INET, SOCK_DGRAM);
socket.bind(['', 5000]);
console.log('waiting on 10.0.0.1:5000');

try {
  for (;;) {
    const [message, peer] = await socket.recvfrom(65536);
    console.log(`${peer.address}:${peer.port} says ${JSON.stringify(message.toString())}`);
    await socket.sendto(message, peer);
  }
} catch (error) {
  // closing the stack ends the wait
  if (!stack.closed) throw error;
}
