import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { IP_MTU, IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_RECVERR, IP_TTL, IPPROTO_IP } from 'ioth';
import type { Lab, LabHost } from 'ioth/lab';
import { workDirectory } from '../../support/directory.js';
import { patientLab, udpSocket } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS } from '../../support/until.js';

/* The same traffic through our NAT and through the masquerade of the kernel. */

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const NETWORKS = {
  internet: { prefix: '203.0.113.0/24', prefix6: 'fd00:1::/64' },
  home: { prefix: '192.168.1.0/24', prefix6: 'fd00:2::/64' },
  far: '198.51.100.0/24',
};

function labWith(fritz: object): Promise<Lab> {
  return patientLab({
    networks: NETWORKS,
    hosts: { meet: 'internet', gate: ['internet', 'far'], server: 'far', fritz, alice: 'home' },
  } as never) as Promise<Lab>;
}

async function nft(host: LabHost, ...words: string[]): Promise<string> {
  const child = host.spawn('nft', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  return code === 0 ? '' : said || `exit code ${code}`;
}

/** Lets the kernel of the router masquerade. Returns why it does not. */
async function masquerade(router: LabHost): Promise<string> {
  const commands = [
    'add table ip nat',
    'add chain ip nat post { type nat hook postrouting priority 100 ; }',
    'add rule ip nat post oifname internet masquerade',
  ];
  for (const command of commands) {
    const failure = await nft(router, command);
    if (failure) return failure;
  }
  return '';
}

const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex').slice(0, 12);

/** What both sides see of datagrams of all sizes, in fragments too. */
async function datagrams(lab: Lab): Promise<string[]> {
  const { meet, alice } = lab.hosts as Record<string, LabHost>;
  using server = udpSocket(meet!, 7);
  using client = udpSocket(alice!, 5000);
  const said: string[] = [];
  for (const size of [0, 1, 7, 8, 100, 1471, 1472, 1473, 4000, 9001, 65_507]) {
    await client.sendto(Buffer.alloc(size, `datagram of ${size} bytes`), 'meet:7');
    const [data, from] = await server.recvfrom(70_000);
    await server.sendto(data, from);
    const back = await client.recv(70_000);
    said.push(`${data.length} ${hash(data)} from ${from.address}:${from.port}, back ${hash(back)}`);
  }
  return said;
}

/** What both sides see of a connection. */
async function connection(lab: Lab): Promise<string[]> {
  const { meet, alice } = lab.hosts as Record<string, LabHost>;
  using listener = meet!.stack.create_server(':80');
  using client = alice!.stack.socket();
  client.bind(['', 5001]);
  const [[connection, from]] = await Promise.all([listener.accept(), client.connect('meet:80')]);
  const sent = Buffer.alloc(300_000, 'all of it');
  const sending = client.sendall(sent).then(() => client.shutdown(1));
  const parts: Buffer[] = [];
  for await (const part of connection) parts.push(part);
  await sending;
  // while the client reads: the buffers of both may be too small for all of it
  const answering = connection.sendall(Buffer.concat(parts)).then(() => connection.close());
  const back: Buffer[] = [];
  for (let part = await client.recv(65_536); part.length > 0; part = await client.recv(65_536)) back.push(part);
  await answering;
  return [`${from.address}:${from.port}`, hash(Buffer.concat(parts)), hash(Buffer.concat(back))];
}

const codeOf = (wait: Promise<unknown>) =>
  wait.then(String, (error: NodeJS.ErrnoException) => error.code ?? String(error));

/** The errors that ICMP brings, and pings. */
async function errors(lab: Lab): Promise<string[]> {
  const { alice, meet, server } = lab.hosts as Record<string, LabHost>;
  using closed = udpSocket(alice!, 5002);
  await closed.connect('meet:9999');
  await closed.send('nobody there');
  const refused = await codeOf(closed.recv(10));
  const tcp = await codeOf(alice!.stack.create_connection('meet:9998'));
  using short = udpSocket(alice!, 5003);
  short.setsockopt(IPPROTO_IP, IP_TTL, 2);
  // without it the end of a packet's time is no error: ip(7)
  short.setsockopt(IPPROTO_IP, IP_RECVERR, 1);
  await short.connect(`${server!.address()}:9997`);
  await short.send('it ends at gate');
  const expired = await codeOf(short.recv(10));
  using large = udpSocket(alice!, 5004);
  large.setsockopt(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  await large.connect(`${server!.address()}:9996`);
  await large.send(Buffer.alloc(1400));
  const tooLarge = await codeOf(large.recv(10));
  const ping = await alice!.ping(meet!.address(), { count: 3, interval: 1, size: 1000, timeout: PATIENCE_MS });
  return [refused, tcp, expired, tooLarge, `MTU ${large.getsockopt(IPPROTO_IP, IP_MTU)}`, `${ping.received} answers`];
}

async function transcript(lab: Lab): Promise<string[]> {
  const { gate, server } = lab.hosts as Record<string, LabHost>;
  for (const host of [gate!, server!]) host.stack.linksetmtu('far', 1000);
  return [...(await datagrams(lab)), ...(await connection(lab)), ...(await errors(lab))];
}

test('programs see the same through both: datagrams, fragments, a connection, errors, pings', async () => {
  await using ours = await labWith({ networks: ['home', 'internet'], nat: 'home' });
  await using kernels = await labWith(['home', 'internet']);
  const failure = await masquerade(kernels.hosts.fritz!);
  if (failure) {
    console.warn(`not compared with the kernel, whose nft says: ${failure}`);
    expect((await transcript(ours)).length).toBeGreaterThan(15);
    return;
  }
  const [first, second] = [await transcript(ours), await transcript(kernels)];
  expect(first).toEqual(second);
  expect(first.slice(-6)).toEqual([
    'ECONNREFUSED',
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'EMSGSIZE',
    'MTU 1000',
    '3 answers',
  ]);
});

const PACKETS = 100_000;

test(`tshark finds no wrong checksum in ${PACKETS} packets of both families`, async () => {
  const { dir, remove } = workDirectory();
  try {
    await using lab = await labWith({ networks: ['home', 'internet'], nat: { type: 'symmetric' } });
    const { meet, alice } = lab.hosts as Record<string, LabHost>;
    const file = join(dir, 'internet.pcapng');
    const capture = await lab.networks.internet!.capture(file);
    await datagrams(lab);
    for (const family of [4, 6] as const) {
      using listener = meet!.stack.create_server([meet!.address('internet', family), 8000]);
      using client = await alice!.stack.create_connection([meet!.address('internet', family), 8000]);
      const [connection] = await listener.accept();
      const receiving = (async () => {
        for await (const _ of connection);
      })();
      const data = Buffer.alloc(65_536, 'bytes');
      const until = family === 4 ? PACKETS * 0.7 : PACKETS;
      while (capture.frames < until) await client.sendall(data);
      client.close();
      await receiving;
      connection.close();
    }
    await capture.stop();
    expect(capture.frames).toBeGreaterThanOrEqual(PACKETS);
    const checks = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);
    const wrong = ['ip', 'udp', 'tcp', 'icmp', 'icmpv6'].map((protocol) => `${protocol}.checksum.status == "Bad"`);
    // Linux writes ffff in place of 0 for TCP too (skb_checksum_help), which is the same sum, and tshark wants 0: one in 65,536
    const filter = `(${wrong.join(' || ')}) && !(tcp.checksum == 0xffff)`;
    const found = execFileSync('tshark', ['-n', '-r', file, ...checks, '-Y', filter], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(found).toBe('');
  } finally {
    await remove();
  }
});
