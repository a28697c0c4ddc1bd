/**
 * What the declarations of the package say. Compiled against the installed package, never run: each @ts-expect-error is an error
 * where the line below it compiles.
 */

import {
  type Address,
  type AddressInput,
  type AddressOptions,
  type AddrInfo,
  AF_INET,
  type AncillaryItem,
  type Attribute,
  type CloseOptions,
  type ConfigEvent,
  type ConfigEvents,
  type ConfigOptions,
  type Connection,
  type CreateConnectionOptions,
  type CreateServerOptions,
  constants,
  type Data,
  type Datagram,
  type DatagramSocket,
  type FileInput,
  type FileOptions,
  type HostInfo,
  type IfAddress,
  type IfAddrs,
  type Interface,
  type InterfaceAddress,
  type InterfaceRef,
  type IothError,
  type LeaseEvent,
  type ListeningSocket,
  type NameInfoAddress,
  type OperationOptions,
  type PingOptions,
  type PingProbe,
  type PingResult,
  type ProviderName,
  type Received,
  type Route,
  recv_fds,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  type SocketFile,
  Stack,
  type StackDns,
  type StackEvents,
  type StackOptions,
  type StackSettings,
  type StreamSocket,
  type SyncSocket,
  send_fds,
  type Unapplied,
} from 'ioth';
import {
  Fabric,
  type FabricNetwork,
  type Figures,
  type Intercept,
  Lab,
  type LabHost,
  Link,
  type LinkFaults,
  type LinkOptions,
} from 'ioth/lab';
import { useLab } from 'ioth/lab/jest';
import { assertReaches } from 'ioth/lab/node-test';
import { type Capture, capturePort, describeFrame, PcapngWriter, VdePort } from 'ioth/vde';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<Expected>() {
  return <Actual,>(_value: Actual, ..._same: Equal<Actual, Expected> extends true ? [] : [never]): void => {};
}

declare const stack: Stack;
declare const socket: Socket;

// stacks: one argument after the other, or by name, one set of names for both
const settings: StackSettings = {
  dns: 'builtin',
  dnsCache: 0,
  conf: 'builtin',
  timeout: 100,
  signal: AbortSignal.timeout(1),
  wait: 100,
};
const options: StackOptions = { stack: 'vdestack', vnl: ['null://'], config_dns: null, ...settings };
new Stack('vdestack', 'null://', null, settings);
new Stack(options);
Stack.create(options).then(expectType<Stack>());
// @ts-expect-error a misspelled option
new Stack({ stack: 'vdestack', vln: 'null://' });
// @ts-expect-error the plugin is missing
new Stack({ vnl: 'null://' });
// @ts-expect-error another provider
expectType<ProviderName>()('glibc' as const);

expectType<number | undefined>()(stack.daemonPid);
expectType<Promise<void>>()(stack.ready);
expectType<StackDns>()(stack.dns);
expectType<Interface[]>()(stack.interfaces());
expectType<IfAddrs[]>()(stack.getifaddrs());
expectType<Route[]>()(stack.routes());
expectType<Promise<AddrInfo[]>>()(stack.getaddrinfo('host.example', 80));
expectType<Promise<number>>()(stack.iothconfig('eth', {} satisfies ConfigOptions));
expectType<Promise<void>>()(stack.close({ linger: 1 } satisfies CloseOptions));
expectType<typeof import('node:child_process').spawn>()(stack.spawn);
stack.spawnSync('true').stdout satisfies Buffer;
expectType<string>()(stack.spawnSync('true', { encoding: 'utf8' }).stdout);
expectType<string>()(stack.sysctl('net.ipv4.ip_forward'));
expectType<void>()(stack.sysctl('net.ipv4.ip_forward', true));
expectType<Promise<PingResult>>()(stack.ping('10.0.0.1', { count: 1, family: 6 } satisfies PingOptions));
stack.ping('10.0.0.1', { onProbe: (probe) => expectType<PingProbe>()(probe) });
// @ts-expect-error a misspelled option
stack.ping('10.0.0.1', { cuont: 1 });
// @ts-expect-error
stack.programs;
stack.ipaddr_add(AF_INET, '10.0.0.1', 24, 2, { dad: false } satisfies AddressOptions);
stack.iplink_add(-1, 'bridge', [[4, 3000]] satisfies Attribute[]);
// an interface by its index or its name, and arguments as one text
expectType<string | number>()({} as InterfaceRef);
stack.linksetupdown('vde0', true);
stack.iplink_del('br0');
stack.ipaddr_add('10.0.0.1/24', 'vde0', { dad: true });
stack.ipaddr_del('10.0.0.1/24', 2);
stack.iproute_add('default via 10.0.0.254');
stack.iproute_del(AF_INET, '10.0.0.254', null, 0, 'vde0');
expectType<string | undefined>()(stack.routes()[0]?.ifname);
// @ts-expect-error an address without its interface
stack.ipaddr_add('10.0.0.1/24');
// @ts-expect-error half of each form
stack.iproute_add('default', '10.0.0.254');
// @ts-expect-error an index that a new interface gets is a number
stack.iplink_add('br0', 'bridge');

// events: a wrong name does not compile, and a listener knows its arguments
stack.on('error', (error) => expectType<IothError>()(error));
stack.once('close', () => {});
stack.on('lease', (event) => expectType<LeaseEvent>()(event));
stack.on('lease', ({ unapplied }) => expectType<Unapplied[]>()(unapplied));
stack.off('config', (event) => expectType<ConfigEvent>()(event));
expectType<keyof ConfigEvents | 'error' | 'close'>()({} as unknown as keyof StackEvents);
// @ts-expect-error a wrong event name
stack.on('leese', () => {});
// @ts-expect-error a listener with other arguments
stack.on('close', (reason: string) => reason);

// sockets
expectType<void>()(socket.bind(['10.0.0.1', 80] satisfies AddressInput));
expectType<Promise<Buffer>>()(socket.recv(1, 0, {} satisfies OperationOptions));
expectType<Promise<[Buffer, Address]>>()(socket.recvfrom(1));
expectType<Promise<Received<Buffer>>>()(socket.recvmsg(1, 32));
expectType<Promise<number>>()(socket.sendmsg(['data' satisfies Data], [] satisfies AncillaryItem[]));
expectType<Promise<number>>()(socket.sendfile(3 satisfies FileInput));
expectType<Stack>()(stack.socket(AF_INET, SOCK_DGRAM).stack);
stack
  .socket()
  .accept()
  .then(([connection, peer]) => {
    expectType<Stack>()(connection.stack);
    expectType<Address>()(peer);
  });
const blocking: SyncSocket = socket.sync;
expectType<Buffer>()(blocking.recv(1));
// @ts-expect-error a socket is made by its stack
new Socket();
// @ts-expect-error bind takes no options
socket.bind(['10.0.0.1', 80], {});

// addresses: as an array, an object or a text
socket.bind({ host: 'fe80::1', port: 80, scopeid: 'vde0' });
socket.connect('[fd00::1]:80');
socket.bind({ ifindex: 'vde0', protocol: 3 });
// @ts-expect-error a port is a number
socket.bind(['10.0.0.1', '80']);
expectType<Promise<Connection>>()(
  stack.create_connection('10.0.0.1:80', { timeout: 1 } satisfies CreateConnectionOptions),
);
expectType<ListeningSocket>()(stack.create_server(['', 80], { backlog: 1 } satisfies CreateServerOptions));
expectType<[Connection, Connection]>()(stack.socketpair());
expectType<Promise<HostInfo>>()(stack.gethostbyname_ex('host.example'));
expectType<SocketFile>()(socket.makefile({ limit: 1 } satisfies FileOptions));
expectType<number>()(socket.ioctl(0x541b));
expectType<Buffer>()(socket.ioctl(0x8921, Buffer.alloc(40)));
socket.addMembership('239.1.2.3', 'vde0');
expectType<Promise<number>>()(send_fds(socket, ['data'], [0]));
expectType<Promise<[data: Buffer, fds: number[], flags: number, address: Address]>>()(recv_fds(socket, 10, 1));

// what a loop has, by the kind of socket; each is a Socket
async function loops(): Promise<void> {
  for await (const [data, from] of stack.socket(AF_INET, SOCK_DGRAM)) {
    expectType<Buffer>()(data);
    expectType<Address>()(from);
  }
  for await (const item of stack.socket(AF_INET, SOCK_STREAM)) expectType<Connection | Buffer>()(item);
  for await (const item of stack.socket()) expectType<Connection | Buffer>()(item);
  for await (const connection of stack.socket().listen()) expectType<Connection>()(connection);
  for await (const chunk of await stack.create_connection('10.0.0.1:80')) expectType<Buffer>()(chunk);
  for await (const line of socket.makefile()) expectType<string>()(line);
  for await (const item of socket) expectType<Connection | Buffer | Datagram>()(item);
}
export const sockets: Socket[] = [
  stack.socket() satisfies StreamSocket,
  stack.socket(AF_INET, SOCK_DGRAM) satisfies DatagramSocket,
  ...stack.socketpair(),
];

// names that only types have
export type Named = [IfAddress, InterfaceAddress, NameInfoAddress, typeof loops];

// constants, flat and together
constants.AF_INET satisfies 2;
AF_INET satisfies 2;

// what is internal is not declared
// @ts-expect-error
stack.pointer('x');
// @ts-expect-error
stack.beginNativeCall();
// @ts-expect-error
stack.resolveHost('x', AF_INET);
// @ts-expect-error
stack.resolveLocally('x', AF_INET);
// @ts-expect-error
stack.link(2);
// @ts-expect-error
stack.addressesOf(2);

// ioth/vde
async function ports(): Promise<void> {
  await using port: VdePort = await VdePort.open('vde:///tmp/sw', { description: 'probe', port: 3, timeout: 100 });
  const frames: Buffer[] = await port.recvBatch(10, { timeout: null, signal: AbortSignal.timeout(5) });
  (await port.sendBatch([new Uint8Array(60)])) satisfies number;
  for await (const frame of port) describeFrame(frame) satisfies string;
  const capture: Capture = await capturePort(port, new PcapngWriter(process.stdout), {
    onFrame: (frame, time) => [frame, time],
  });
  capture.toBuffer() satisfies Buffer;
  frames satisfies Buffer[];
  // @ts-expect-error a frame is bytes
  port.send('text');
}
void ports;
// @ts-expect-error misspelt
VdePort.open('null://', { descr: 'x' });
// @ts-expect-error ports are opened
new VdePort('vde:///tmp/sw');

// ioth/lab
async function links(): Promise<void> {
  const bursts: LinkFaults = { delay: 20, jitter: 5, distribution: 'normal', loss: { p: 0.1, r: 0.5 }, rate: '10mbit' };
  const options: LinkOptions = { seed: 1, aToB: bursts, loss: 0.1, queue: { bytes: 1 } };
  await using link: Link = await Link.create('null://', 'null://', options);
  await link.set(bursts, 'bToA');
  (await link.stats()).a.dropped.loss satisfies number;
  await using fabric = await Fabric.start({ seed: 1 });
  const network: FabricNetwork = fabric.addNetwork('lan', bursts);
  (await network.addCable('a')) satisfies string;
  await network.set({}, { from: 'a', to: ['b'] });
  await network.partition(['a'], ['b']);
  (await network.capture()).toBuffer() satisfies Buffer;
  const drop = await link.intercept({ from: 'a', flags: 'SYN+ACK', icmp: 'too-big' }, { delay: 5 }, { times: 2 });
  (await drop.next({ timeout: 5 })).to satisfies 'a' | 'b';
  await network.intercept({ dns: { type: ['A', 65] }, where: async (frame, from) => from === 'a' && frame }, 'reject');
  // @ts-expect-error no such end
  await link.intercept({ from: 'c' }, 'drop');
  // @ts-expect-error misspelt
  await network.intercept({ prot: 'tcp' }, 'drop');
  // @ts-expect-error misspelt
  await network.intercept({ flags: 'SNY' }, 'drop');
  // @ts-expect-error no such action
  await network.intercept({}, 'dorp');
  // @ts-expect-error misspelt
  await link.set({ dealy: 5 });
  // @ts-expect-error no such direction
  await link.set({}, 'aTob');
}
void links;
// @ts-expect-error links are made by create
new Link();
export function misspelt(): void {
  // @ts-expect-error no such option
  new Stack({ stack: 'kernel', vln: 'vde:///tmp/net' });
  // @ts-expect-error no such option
  void Stack.create({ stack: 'kernel', tiemout: 5 });
}
export async function laboratory(): Promise<void> {
  const lab = await Lab.create({
    networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', loss: { p: 0.1, r: 0.5 }, rate: '10mbit' } },
    hosts: { alice: 'lan', gate: { networks: ['lan', 'wan'], address: '10.1.0.9' } },
    dns: 'gate',
  });
  lab.hosts.alice satisfies LabHost<'lan' | 'wan'>;
  lab.hosts.gate.address('wan', 6) satisfies string;
  (await lab.hosts.gate.run(() => 5)) satisfies number;
  await lab.networks.wan.partition(['alice'], ['gate']);
  await lab.networks.wan.set({ delay: 5 }, { from: 'alice', to: ['gate'] });
  (await lab.networks.wan.intercept({ to: ['gate'] }, 'drop')) satisfies Intercept<'alice' | 'gate'>;
  // @ts-expect-error no such host
  await lab.networks.wan.intercept({ to: 'bob' }, 'drop');
  const labOfTests = useLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' } }, { per: 'test' });
  await assertReaches(labOfTests.hosts.alice, lab.hosts.gate, 80);
  const { wan } = lab.networks;
  await wan.cut('alice', ['gate']);
  await wan.cut({ from: 'gate' });
  await wan.set({ profile: '4g', queue: 'codel' }, { up: 'alice' });
  await wan.reset({ from: 'alice' });
  (await wan.stats()).ports.gate.dropped.cut satisfies number;
  (await wan.history({ seconds: 60 }))[0]!.ports.gate satisfies Figures;
  (await wan.capture(undefined, { onFrame: (frame, time, { to, comment }) => [frame, time, to, comment] })).frames;
  lab.diagram({ format: 'svg', live: false }) satisfies string;
  // @ts-expect-error no such format
  lab.diagram({ format: 'png' });
  // @ts-expect-error no such host
  (await wan.stats()).ports.zz;
  // @ts-expect-error no such host
  await wan.cut('alice', 'zz');
  // @ts-expect-error no such host
  await wan.reset({ up: 'zz' });
  // @ts-expect-error no such unit
  await wan.set({ rate: '10mbti' });
  // @ts-expect-error no such kind of link
  await wan.set({ profile: '6g' });
  // @ts-expect-error no such host
  lab.hosts.bob;
  // @ts-expect-error no such network
  lab.hosts.alice.address('man');
  // @ts-expect-error no such host
  await lab.partition(['bob']);
  // @ts-expect-error a network that there is not
  Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'wan' } });
  // @ts-expect-error a host that there is not
  Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' }, dns: 'bob' });
  // @ts-expect-error misspelt
  Lab.create({ networks: { lan: { prefix: '10.0.0.0/24', los: 1 } }, hosts: { alice: 'lan' } });
  Lab.create({
    networks: { lan: { prefix: '10.0.0.0/24', mtu: 1400, profile: 'wifi' } },
    hosts: { alice: { networks: 'lan', links: { lan: { up: { rate: '1mbit' }, down: { rate: '2.5Mbit' } } } } },
  });
  Lab.create({
    networks: { lan: '10.0.0.0/24' },
    // @ts-expect-error a network that there is not
    hosts: { alice: { networks: 'lan', links: { wan: { rate: '1mbit' } } } },
  });
}
