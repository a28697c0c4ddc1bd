// Ten hosts in one process. Each runs an http server and asks the other nine.
//
//     npx tsx examples/ten_servers.ts switch:///tmp/net
import { createServer } from 'node:http';
import { Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/ten_servers.ts VNL        such as switch:///tmp/net');
  process.exit(2);
}

// the first host makes the switch, the others join it
const peers = vnl.replace(/^switch:/, 'vde:');
const hosts = await Promise.all(
  Array.from({ length: 10 }, async (_, i) => {
    const stack = await Stack.create(`stack=vdestack,vnl=${i === 0 ? vnl : peers},eth,ip=10.0.0.${i + 1}/24`);
    return { name: `host ${i + 1}`, address: `10.0.0.${i + 1}`, stack };
  }),
);

for (const { name, stack } of hosts) {
  const server = createServer((request, response) => response.end(`${name} to ${request.socket.remoteAddress}`));
  await new Promise<void>((done) => stack.run(() => server.listen(80, '0.0.0.0', done)));
}

// express, undici, ioredis … would use the stacks in the same way
const asked = hosts.map(({ address, stack }) =>
  stack.run(async () => {
    const others = hosts.filter((other) => other.address !== address);
    const answers = await Promise.all(others.map(async (other) => (await fetch(`http://${other.address}/`)).text()));
    return answers.every((answer, i) => answer === `${others[i]?.name} to ${address}`) ? answers.length : 0;
  }),
);
const right = (await Promise.all(asked)).reduce((sum, count) => sum + count, 0);
console.log(`${right} of 90 answers came from the right host`);

for (const { stack } of hosts.reverse()) await stack.close();
