// A UDP client on its own stack: sends each line of standard input as a datagram to 10.0.0.1:5000 and prints the answers.
//
//     npx tsx examples/udp_client.ts vde:///tmp/net
//
// The end of input (Ctrl-D) ends it when each line has an answer, or after two seconds.
import { createInterface } from 'node:readline';
import { AbortError, AF_INET, SOCK_DGRAM, Stack } from 'ioth';

const vnl = process.argv[2];
if (!vnl) {
  console.error('usage: npx tsx examples/udp_client.ts VNL        such as vde:///tmp/net');
  process.exit(2);
}

await using stack = new Stack('vdestack', vnl);
const ifindex = stack.if_nametoindex('vde0');
stack.linksetupdown(ifindex, true);
stack.ipaddr_add(AF_INET, '10.0.0.2', 24, ifindex);

const socket = stack.socket(AF_INET, SOCK_DGRAM);
await socket.connect(['10.0.0.1', 5000]);
console.error('sending to 10.0.0.1:5000');

const noMore = new AbortController();
let sent = 0;
let answered = 0;
let ended = false;
await Promise.all([sendLines(), printAnswers()]);

async function sendLines(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    sent++;
    await socket.send(line);
  }
  ended = true;
  setTimeout(() => noMore.abort(), answered < sent ? 2000 : 0).unref();
}

async function printAnswers(): Promise<void> {
  try {
    while (!ended || answered < sent) {
      const answer = await socket.recv(65536, 0, { signal: noMore.signal });
      answered++;
      console.log(answer.toString());
    }
  } catch (error) {
    if (!(error instanceof AbortError)) throw error;
  }
  if (answered < sent) {
    console.error(`${sent - answered} of ${sent} datagrams had no answer`);
    process.exitCode = 1;
  }
}
