// Configures a host from the network by DHCP, DHCPv6 and router discovery, and prints what it gets until it is
// interrupted. slirp:// has its own DHCP server, so it works without another host:
//
//     npx tsx examples/dhcp.ts slirp://
import { type LeaseEvent, Stack } from 'ioth';

const [vnl, seconds = 'forever'] = process.argv.slice(2);
if (!vnl) {
  console.error('usage: npx tsx examples/dhcp.ts VNL [SECONDS]        such as slirp:// or vde:///tmp/net');
  process.exit(2);
}

await using stack = new Stack('vdestack', vnl);
for (const event of ['lease', 'renew', 'expire'] as const) {
  stack.on(event, ({ protocol, addresses, routers, leaseTime }: LeaseEvent) => {
    const time = leaseTime === null ? '' : ` for ${leaseTime} s`;
    const through = routers.length > 0 ? `, router ${routers.join(' ')}` : '';
    console.log(`${event} by ${protocol}: ${addresses.join(' ') || 'no address'}${time}${through}`);
  });
}

// fails only if none of the three protocols gets an answer
await stack.iothconfig('auto,slaac', { timeout: 3000 });
console.log(stack.ioth_resolvconf() ?? 'no name servers');

// leases are renewed while the program runs; their timers do not keep it running
const signal = seconds === 'forever' ? undefined : AbortSignal.timeout(Number(seconds) * 1000);
await new Promise<void>((resolve) => {
  const alive = setInterval(() => {}, 1000);
  const end = () => {
    clearInterval(alive);
    resolve();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  signal?.addEventListener('abort', end);
});
console.log('giving the leases back');
