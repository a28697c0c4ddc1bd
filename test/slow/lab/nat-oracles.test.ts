import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { LabHost, NatBehavior, NatDependence, NatType } from 'ioth/lab';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { becomes } from '../../support/until.js';

/* NATs as programs of others see them: coturn's (RFC 5780) and stun-client (RFC 3489). */

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

const [SERVER, ALTERNATE] = ['203.0.113.1', '203.0.113.200'];

/** A lab with a client behind each of some NATs, whose private networks are the same, and a host that serves them. */
async function labOf(nats: readonly (NatType | NatBehavior)[]) {
  const lab = await patientLab({
    networks: {
      internet: '203.0.113.0/24',
      ...Object.fromEntries(nats.map((_, i) => [`home${i}`, '192.168.1.0/24'])),
    },
    hosts: {
      server: 'internet',
      ...Object.fromEntries(nats.map((nat, i) => [`nat${i}`, { networks: [`home${i}`, 'internet'], nat }])),
      ...Object.fromEntries(nats.map((_, i) => [`client${i}`, `home${i}`])),
    },
  } as never);
  const { server } = lab.hosts as Record<string, LabHost>;
  server!.stack.ipaddr_add(`${ALTERNATE}/24`, 'internet');
  const clients = nats.map((_, i) => (lab.hosts as Record<string, LabHost>)[`client${i}`]!);
  return { server: server!, clients, [Symbol.asyncDispose]: () => lab.close() };
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  await once(child, 'close');
  return output;
}

/** Starts a server, and waits until one of its sockets is there. */
async function serve(host: LabHost, command: string, args: readonly string[]): Promise<ChildProcess> {
  const server = host.spawn(command, args, { stdio: 'ignore' });
  for (;;) {
    const list = await outputOf(
      host.spawn('ss', ['-lunH', 'sport', '=', ':3478'], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    if (list.includes(`${ALTERNATE}:3478`)) return server;
    if (server.exitCode !== null) throw new Error(`${command} ended with ${server.exitCode}`);
  }
}

async function end(server: ChildProcess): Promise<void> {
  const gone = once(server, 'close');
  server.kill('SIGKILL');
  await gone;
}

/**
 * Asks until it is told what is expected, and returns what it was told last: where the machine stands still for a second or three,
 * the clients take an answer for one that never comes, and name another kind.
 */
async function told<T>(expected: T, ask: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  await becomes(async () => {
    answer = await ask();
    return isDeepStrictEqual(answer, expected);
  });
  return answer;
}

const KINDS = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const;
const NAMES: Record<NatDependence, string> = {
  'endpoint-independent': 'Endpoint Independent',
  'address-dependent': 'Address Dependent',
  'address-and-port-dependent': 'Address and Port Dependent',
};

test('turnutils_natdiscovery names each mapping and filtering, and hairpinning', async () => {
  // it asks itself from another port, which the other kinds of filtering drop
  const nats = KINDS.flatMap((mapping) =>
    KINDS.map((filtering) => ({ mapping, filtering, ports: 'random', hairpin: filtering === KINDS[0] }) as const),
  );
  await using lab = await labOf(nats);
  const listen = ['-L', SERVER, '-L', ALTERNATE, '--no-auth', '--no-tls', '--no-dtls', '--no-cli', '--stun-only'];
  const turnserver = await serve(lab.server, 'turnserver', ['-n', '--pidfile', '', '-l', '/dev/null', ...listen]);
  try {
    const discover = (client: LabHost, ...options: string[]) =>
      outputOf(client.spawn('turnutils_natdiscovery', [...options, SERVER], { stdio: ['ignore', 'pipe', 'pipe'] }));
    const named = async (client: LabHost) => {
      const [kinds, hairpin] = [await discover(client, '-m', '-f'), await discover(client, '-H')];
      const names = Array.from(kinds.matchAll(/^NAT with (.*)!$/gm), ([, name]) => name);
      return [...names, hairpin.includes('successful hairpinning')];
    };
    const expected = nats.map(({ mapping, filtering, hairpin }) => [
      `${NAMES[mapping]} Mapping`,
      `${NAMES[filtering]} Filtering`,
      hairpin,
    ]);
    const found = await Promise.all(lab.clients.map((client, i) => told(expected[i], () => named(client))));
    expect(found).toEqual(expected);
  } finally {
    await end(turnserver);
  }
});

test('stun names the classic kinds, kept ports and hairpinning', async () => {
  const nats: NatBehavior[] = [
    { type: 'full-cone' },
    { type: 'restricted-cone', ports: 'random' },
    { type: 'port-restricted' },
    { type: 'symmetric', hairpin: false },
  ];
  await using lab = await labOf(nats);
  const stund = await serve(lab.server, '/usr/sbin/stund', ['-h', SERVER, '-a', ALTERNATE]);
  try {
    const named = async (client: LabHost) => {
      const text = await outputOf(client.spawn('stun', [SERVER], { stdio: ['ignore', 'pipe', 'pipe'] }));
      return /^Primary: (.*)$/m.exec(text)?.[1]?.trim();
    };
    const expected = [
      'Independent Mapping, Independent Filter, preserves ports, will hairpin',
      'Independent Mapping, Address Dependent Filter, random port, will hairpin',
      'Independent Mapping, Port Dependent Filter, preserves ports, will hairpin',
      'Dependent Mapping, random port, no hairpin',
    ];
    const found = await Promise.all(lab.clients.map((client, i) => told(expected[i], () => named(client))));
    expect(found).toEqual(expected);
  } finally {
    await end(stund);
  }
});
