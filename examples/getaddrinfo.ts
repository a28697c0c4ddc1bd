// Looks a host up on its own stack, with the name servers from the command line:
//
//     npx tsx examples/getaddrinfo.ts vde:///tmp/net 10.0.0.3/24 10.0.0.1 www.example.org http
//
// Prints the results of getaddrinfo(3), then the MX and TXT records of the name.
import { AF_INET, AF_INET6, AI_CANONNAME, DnsError, SOCK_STREAM, Stack } from 'ioth';

const [vnl, address, servers, host, service = null] = process.argv.slice(2);
if (!vnl || !address || !servers || !host) {
  console.error('usage: npx tsx examples/getaddrinfo.ts VNL ADDRESS/PREFIX SERVER[,SERVER] HOST [SERVICE]');
  process.exit(2);
}

await using stack = new Stack('vdestack', vnl, servers);
const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(stack.if_nametoindex('lo'), true);
stack.linksetupdown(ifindex, true);
const [ip = '', prefix] = address.split('/');
stack.ipaddr_add(ip.includes(':') ? AF_INET6 : AF_INET, ip, Number(prefix), ifindex);

try {
  for (const info of await stack.getaddrinfo(host, service, 0, SOCK_STREAM, 0, AI_CANONNAME)) {
    const { family, address, port } = info.sockaddr;
    console.log(`${family} ${address} port ${port}${info.canonname && `, canonical name ${info.canonname}`}`);
  }
} catch (error) {
  if (!(error instanceof DnsError)) throw error;
  console.log(error.message);
  process.exitCode = 1;
}

const { promises: dns } = stack.dns;
for (const type of ['MX', 'TXT'] as const) {
  try {
    console.log(type, await dns.resolve(host, type));
  } catch (error) {
    if (!(error instanceof DnsError)) throw error;
    console.log(type, error.code);
  }
}
