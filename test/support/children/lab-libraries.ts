/**
 * Real libraries on the hosts of a lab: `lab-libraries.ts discovery | ports | webrtc KIND KIND [relay] | dht KIND | grpc`. Prints what they found.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pmpNat } from '@achingbrain/nat-port-mapper';
import {
  type ClientReadableStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { Client as DhtNode } from 'bittorrent-dht';
import { Bonjour } from 'bonjour-service';
import mdns from 'multicast-dns';
import { RTCPeerConnection } from 'werift';
import type { NatType } from '../../../lib/lab/index.js';
import { patientLab } from '../lab-hosts.js';

const PATIENCE_MS = 100_000;
const [what = '', ...kinds] = process.argv.slice(2);

function say(...texts: unknown[]): void {
  console.log(texts.join(' '));
}

/** Finds by multicast DNS what is on the same network, and nothing on another one. */
async function discovery(): Promise<void> {
  await using lab = await patientLab({
    networks: { lan: '10.0.0.0/24', other: '10.0.1.0/24' },
    hosts: { alice: 'lan', bob: 'lan', gate: ['lan', 'other'], carol: 'other' },
  });
  const { alice, bob, carol } = lab.hosts;
  const responder = bob.run(() => mdns());
  responder.on('query', ({ questions }) => {
    if (questions.some(({ name }) => name === 'bob.local')) {
      responder.respond({ answers: [{ type: 'A', name: 'bob.local', ttl: 120, data: bob.address() }] });
    }
  });
  await once(responder, 'ready');
  const heard: string[] = [];
  const ask = async (host: typeof alice) => {
    const asking = host.run(() => mdns());
    await once(asking, 'ready');
    asking.on('response', ({ answers }) =>
      heard.push(`${host.name} ${answers[0]?.type === 'A' ? answers[0].data : ''}`),
    );
    asking.query('bob.local', 'A');
    return asking;
  };
  // carol asks first: what comes to her would be there before the answer for alice
  const far = await ask(carol);
  while ((await lab.networks.other.stats()).ports.carol.received.frames === 0) await delay(5);
  const near = await ask(alice);
  while (heard.length === 0) await delay(5);
  say('mdns', heard.join(', '));
  for (const each of [responder, near, far]) each.destroy();

  const publisher = bob.run(() => new Bonjour());
  bob.run(() => publisher.publish({ name: 'printer', type: 'ipp', port: 631, probe: false }));
  const browser = alice.run(() => new Bonjour());
  const service = await new Promise<{ name: string; port: number; host: string; addresses?: string[] }>((found) =>
    alice.run(() => browser.find({ type: 'ipp' }, found)),
  );
  say(
    'bonjour',
    service.name,
    service.port,
    service.host,
    service.addresses?.filter((each) => !each.includes(':')),
  );
  publisher.destroy();
  browser.destroy();
}

/** Asks a NAT for a port. */
async function ports(): Promise<void> {
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24' },
    hosts: {
      visitor: 'internet',
      fritz: { networks: ['home', 'internet'], nat: { type: 'home', portMapping: true } },
      alice: 'home',
    },
  });
  const { visitor, fritz, alice } = lab.hosts;
  using listener = alice.stack.create_server(':8080');
  const gateway = alice.run(() => pmpNat(fritz.address('home')));
  const mapping = await alice.run(() =>
    gateway.map(8080, alice.address(), { protocol: 'tcp', externalPort: 9090, autoRefresh: false }),
  );
  say('address', await alice.run(() => gateway.externalIp()));
  say('mapped', mapping.externalPort, mapping.internalPort);
  using _client = await visitor.stack.create_connection(['203.0.113.2', mapping.externalPort]);
  const [connection, from] = await listener.accept();
  say('reached from', from.address);
  connection.close();
  await alice.run(() => gateway.stop());
}

/** Joins two peers of WebRTC behind NATs by a data channel, and says by which kinds of candidates. */
async function webrtc(): Promise<void> {
  const [left = 'home', right = 'home'] = kinds as NatType[];
  const hasRelay = kinds[2] === 'relay';
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', office: '192.168.2.0/24' },
    hosts: {
      meet: 'internet',
      fritz: { networks: ['home', 'internet'], nat: left },
      cisco: { networks: ['office', 'internet'], nat: right },
      alice: 'home',
      bob: 'office',
    },
  });
  const { meet, alice, bob } = lab.hosts;
  const listen = ['-L', meet.address(), '--no-tls', '--no-dtls', '--no-cli', '-n', '--pidfile', '', '-l', '/dev/null'];
  const turnserver = meet.spawn('turnserver', [...listen, '-a', '-u', 'user:password', '-r', 'lab.test'], {
    stdio: 'ignore',
  });
  while (!meet.spawnSync('ss', ['-lunH', 'sport', '=', ':3478']).stdout.includes('3478')) await delay(50);
  // werift keeps the first pair that answers, which beside load may be one of the relay: only those that need it know of it
  const iceServers = [
    { urls: `stun:${meet.address()}:3478` },
    ...(hasRelay ? [{ urls: `turn:${meet.address()}:3478`, username: 'user', credential: 'password' }] : []),
  ];
  const config = { iceServers, iceUseIpv6: false };
  const [a, b] = [alice.run(() => new RTCPeerConnection(config)), bob.run(() => new RTCPeerConnection(config))];
  const channel = a.createDataChannel('chat');
  b.onDataChannel.subscribe((incoming) => {
    incoming.onMessage.subscribe((message) => incoming.send(`${message}, too`));
  });
  const heard = new Promise<string>((done) => {
    channel.onMessage.subscribe((message) => done(String(message)));
  });
  channel.stateChanged.subscribe((state) => {
    if (state === 'open') channel.send('hello');
  });
  await alice.run(async () => a.setLocalDescription(await a.createOffer()));
  await bob.run(async () => {
    await b.setRemoteDescription(a.localDescription!);
    await b.setLocalDescription(await b.createAnswer());
  });
  await alice.run(() => a.setRemoteDescription(b.localDescription!));
  say('heard', await Promise.race([heard, delay(PATIENCE_MS, 'nothing', { ref: false })]));
  const pair = a.iceTransports[0]?.connection.nominated;
  say('by', pair?.localCandidate.type, pair?.remoteCandidate.type);
  await Promise.all([a.close(), b.close()]);
  const gone = once(turnserver, 'close');
  turnserver.kill('SIGKILL');
  await gone;
}

/** Announces a peer behind a NAT in a distributed hash table, finds it from behind another NAT, and asks it. */
async function dht(): Promise<void> {
  const [kind = 'full-cone'] = kinds as NatType[];
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', home: '192.168.1.0/24', office: '192.168.1.0/24' },
    hosts: {
      one: 'internet',
      two: 'internet',
      three: 'internet',
      fritz: { networks: ['home', 'internet'], nat: { type: kind, ports: 'random' } },
      cisco: { networks: ['office', 'internet'], nat: 'port-restricted' },
      alice: 'home',
      bob: 'office',
    },
  });
  const { one, two, three, fritz, alice, bob } = lab.hosts;
  const nodeOn = async (host: typeof one, bootstrap: string[] | false) => {
    const node = host.run(() => new DhtNode({ bootstrap, timeout: 5000 }));
    await new Promise<void>((listening) => node.listen(6881, listening));
    return node;
  };
  const nodes = [await nodeOn(one, false)];
  for (const host of [two, three, alice, bob]) {
    const node = await nodeOn(host, [`${one.address()}:6881`]);
    await once(node, 'ready');
    nodes.push(node);
  }
  const [announcing, asking] = nodes.slice(-2) as [DhtNode, DhtNode];
  const infoHash = Buffer.alloc(20, 7);
  await new Promise((announced) => announcing.announce(infoHash, announced));
  const found = new Set<string>();
  asking.on('peer', ({ host, port }) => found.add(`${host}:${port}`));
  await new Promise((done) => asking.lookup(infoHash, done));
  const mapped = (await fritz.nat.mappings()).map(({ outside }) => outside);
  say('found', found.size, [...found].every((each) => mapped.includes(each)) ? 'of the NAT' : [...found]);
  // a node keeps those that it heard from
  const { nodes: heard } = asking.toJSON();
  say(
    'heard',
    heard.filter(({ host }) => host === fritz.address('internet')).length,
    'from behind it, of',
    heard.length,
  );
  await Promise.all(nodes.map((node) => new Promise<void>((gone) => node.destroy(gone))));
}

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: String,
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: String,
};
const CALLER = {
  /** Answers with the address that the client has for the server. */
  whoAmI: { path: '/caller/whoAmI', requestStream: false, responseStream: false, ...text },
  /** Answers and goes on for ever. */
  stay: { path: '/caller/stay', requestStream: false, responseStream: true, ...text },
} as const;

/** Calls a server from a host that goes from one network to another one. */
async function grpc(): Promise<void> {
  await using lab = await patientLab({
    networks: { internet: '203.0.113.0/24', wifi: '192.168.1.0/24', mobile: '100.64.0.0/24' },
    hosts: {
      server: 'internet',
      fritz: { networks: ['wifi', 'internet'], nat: 'home' },
      carrier: { networks: ['mobile', 'internet'], nat: 'cgnat' },
      phone: { networks: ['wifi', 'mobile'], roams: true },
    },
  });
  const { server, phone } = lab.hosts;
  const service = server.run(() => new Server());
  service.addService(CALLER, {
    whoAmI: (call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) =>
      answer(null, call.getPeer().replace(/:\d+$/, '')),
    stay: (call: ServerWritableStream<string, string>) => call.write('here'),
  });
  await server.run(
    () => new Promise((bound) => service.bindAsync('0.0.0.0:50051', ServerCredentials.createInsecure(), bound)),
  );
  const Caller = makeGenericClientConstructor(CALLER, 'Caller');
  // it has to notice by itself that a connection gets nowhere
  const options = { 'grpc.keepalive_time_ms': 500, 'grpc.keepalive_timeout_ms': 5000 };
  const client = phone.run(() => new Caller('server:50051', credentials.createInsecure(), options));
  const patient = new Metadata({ waitForReady: true });
  const whoAmI = () =>
    phone.run(
      () =>
        new Promise<string>((resolve, reject) => {
          client.whoAmI!('it is me', patient, (error: ServiceError | null, value?: string) =>
            error ? reject(error) : resolve(value!),
          );
        }),
    );
  say('from', await whoAmI());
  const stream: ClientReadableStream<string> = phone.run(() => client.stay!('please'));
  const ended = once(stream, 'error') as Promise<[ServiceError]>;
  say('stream', ...(await once(stream, 'data')));
  await phone.move('wifi', 'mobile', { gap: 50 });
  const [{ code, details }] = await ended;
  say('stream', status[code], details);
  say('from', await whoAmI());
  client.close();
  service.forceShutdown();
}

const works: Record<string, () => Promise<void>> = { discovery, ports, webrtc, dht, grpc };
await works[what]?.();
// werift leaves timers
process.exit();
