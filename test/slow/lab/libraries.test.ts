import { startScript } from '../../support/child.js';

/* Libraries of others, unchanged, on the hosts of a lab. */

async function outputOf(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await startScript('lab-libraries.ts', args).exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

it('multicast-dns and bonjour-service find what is on the same network only', async () => {
  expect(await outputOf('discovery')).toEqual(['mdns alice 10.0.0.2', 'bonjour printer 631 bob 10.0.0.2']);
});

it('@achingbrain/nat-port-mapper gets a port of the NAT, which leads in', async () => {
  expect(await outputOf('ports')).toEqual(['address 203.0.113.2', 'mapped 8080 8080', 'reached from 203.0.113.1']);
});

it('peers of werift (WebRTC) behind two NATs join by the addresses that a STUN server saw', async () => {
  const [heard, by] = await outputOf('webrtc', 'home', 'home');
  expect(heard).toBe('heard hello, too');
  expect(by).toMatch(/^by (host|srflx|prflx) (srflx|prflx)$/);
});

it('peers of werift behind two symmetric NATs join by the relay of a TURN server', async () => {
  const [heard, by] = await outputOf('webrtc', 'symmetric', 'symmetric', 'relay');
  expect(heard).toBe('heard hello, too');
  expect(by).toMatch(/^by (relay \w+|\w+ relay)$/);
});

it.each([
  ['full-cone', 1, 1],
  ['port-restricted', 1, 1],
  ['symmetric', 3, 0],
])(
  'nodes of bittorrent-dht behind a %s NAT are found, and heard where holes can be punched',
  async (kind, found, heard) => {
    expect(await outputOf('dht', kind)).toEqual([
      `found ${found} of the NAT`,
      `heard ${heard} from behind it, of ${3 + heard}`,
    ]);
  },
);

it('calls of @grpc/grpc-js succeed again after the host has moved to another network', async () => {
  expect(await outputOf('grpc')).toEqual([
    'from 203.0.113.2',
    'stream here',
    expect.stringMatching(/^stream UNAVAILABLE /),
    'from 203.0.113.3',
  ]);
});
