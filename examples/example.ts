// Makes a stack, configures its interface and prints its state. The network may be empty:
//
//     npx tsx examples/example.ts null://
import { AF_INET, AF_INET6, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/example.ts VNL        such as null:// or switch:///tmp/net');
  process.exit(2);
}

using stack = new Stack('vdestack', vnl);
const ifindex = stack.if_nametoindex('vde0');
console.log(`vde0 has index ${ifindex} and the MAC address ${stack.linkgetaddr(ifindex)}`);

stack.linksetaddr(ifindex, '80:00:42:0e:e7:3a');
stack.linksetmtu(ifindex, 1400);
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);
stack.ipaddr_add(AF_INET6, 'fd00::1', 64, ifindex);
stack.iproute_add(AF_INET, '10.0.0.254');

for (const { name, mac, mtu, up, addresses } of stack.interfaces()) {
  const list = addresses.map(({ address, prefixlen }) => `${address}/${prefixlen}`);
  console.log(`${name}: ${up ? 'up' : 'down'}, MAC ${mac}, MTU ${mtu}, ${list.join(' ') || 'no address'}`);
}
for (const { dst, dst_prefixlen, gw } of stack.routes(AF_INET)) {
  console.log(`${dst_prefixlen > 0 ? `${dst}/${dst_prefixlen}` : 'default'} ${gw ? `via ${gw}` : 'on the link'}`);
}

try {
  stack.if_nametoindex('bananas');
} catch (error) {
  console.log(String(error));
}
