// Two hosts behind NATs reach each other with the help of a third one: UDP hole punching (RFC 5128, 3.3), for each pair of the classic
// kinds of NAT. Prints where it works.
//
//     npx tsx examples/hole_punching.ts
import { createSocket, type RemoteInfo } from 'node:dgram';
import { Lab } from 'ioth/lab';

const KINDS = ['full-cone', 'restricted-cone', 'port-restricted', 'symmetric'] as const;
const RENDEZVOUS = 3478;
const TRIES = 100;

/** Tells each of two peers which address and port the other one has outside. */
function rendezvous(): void {
  let waiting: RemoteInfo | undefined;
  const server = createSocket('udp4').bind(RENDEZVOUS);
  server.on('message', (_text, peer) => {
    if (waiting) {
      server.send(JSON.stringify(peer), waiting.port, waiting.address);
      server.send(JSON.stringify(waiting), peer.port, peer.address);
    }
    waiting = waiting ? undefined : peer;
  });
}

/** Returns whether this host and the other one that calls it reach each other. */
function punch(): Promise<boolean> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    let timer: NodeJS.Timeout;
    const end = (reaches: boolean) => {
      clearInterval(timer);
      socket.close(() => done(reaches));
    };
    socket.on('message', (text, from) => {
      if (from.port === RENDEZVOUS) {
        const other: RemoteInfo = JSON.parse(String(text));
        let tries = 0;
        timer = setInterval(() => (++tries > TRIES ? end(false) : socket.send('hello', other.port, other.address)), 50);
        return;
      }
      clearInterval(timer);
      socket.removeAllListeners('message');
      // a symmetric NAT sends from another port than the rendezvous saw: the answer goes to where the packet came from
      socket.send('welcome', from.port, from.address, () => end(true));
    });
    socket.send('I am here', RENDEZVOUS, 'meet');
  });
}

await using lab = await Lab.create({
  networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', office: '192.168.1.0/24' },
  hosts: {
    meet: 'internet',
    fritz: { networks: ['home', 'internet'], nat: 'full-cone' },
    cisco: { networks: ['office', 'internet'], nat: 'full-cone' },
    alice: 'home',
    bob: 'office',
  },
});
const { meet, fritz, cisco, alice, bob } = lab.hosts;
meet.run(rendezvous);
for (const left of KINDS) {
  await fritz.nat.set(left);
  for (const right of KINDS) {
    await cisco.nat.set(right);
    const reached = await Promise.all([alice.run(punch), bob.run(punch)]);
    console.log(left.padEnd(15), right.padEnd(15), reached.every(Boolean) ? 'works' : 'fails');
  }
}
