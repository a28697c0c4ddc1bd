// fetch on its own stack, 10.0.0.2.
//
//     npx tsx examples/http_server.ts switch:///tmp/net
//     npx tsx examples/fetch.ts vde:///tmp/net             # in another terminal
import { Stack } from 'ioth';

const [, , vnl, url = 'http://10.0.0.1/'] = process.argv;
if (!vnl) {
  console.error('usage: npx tsx examples/fetch.ts VNL [URL]        such as vde:///tmp/net');
  process.exit(2);
}

await using stack = await Stack.create(`stack=vdestack,vnl=${vnl},eth,ip=10.0.0.2/24`);

// in stack.run the global fetch does the same
const response = await stack.fetch(url);
console.log(response.status, (await response.text()).trim());
