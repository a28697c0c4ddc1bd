// Makes and configures a stack with one string, as ioth_newstackc(3) does. More items may follow the network:
//
//     npx tsx examples/newstackc.ts null://
//     npx tsx examples/newstackc.ts vde:///tmp/net dhcp,fqdn=host.example.org
import { AF_INET, Stack } from 'ioth';

const [vnl, items = 'ip=10.0.0.1/24,ip=fd00::1/64,gw=10.0.0.254,dns=10.0.0.53,domain=example.org'] =
  process.argv.slice(2);
if (!vnl) {
  console.error('usage: npx tsx examples/newstackc.ts VNL [ITEMS]        such as null:// ip=10.0.0.1/24');
  process.exit(2);
}

// the static part is in force at once; create also waits for the rest
await using stack = await Stack.create(`stack=vdestack,vnl='${vnl}',eth,${items}`);

for (const { name, mac, addresses } of stack.interfaces()) {
  const list = addresses.filter(({ scope }) => scope === 0).map(({ address, prefixlen }) => `${address}/${prefixlen}`);
  if (list.length > 0) console.log(`${name} (${mac}): ${list.join(' ')}`);
}
for (const { dst_prefixlen, gw } of stack.routes(AF_INET)) {
  if (dst_prefixlen === 0) console.log(`default via ${gw}`);
}
console.log(stack.ioth_resolvconf() ?? 'no name servers');

// you can change any part later
await stack.iothconfig('-static,ip=10.0.0.2/24');
console.log(stack.interfaces().flatMap(({ addresses }) => addresses.filter(({ scope }) => scope === 0))[0]?.address);
