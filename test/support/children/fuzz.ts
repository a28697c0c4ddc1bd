/**
 * Calls every public method with random arguments: `fuzz.ts SEED MILLISECONDS DIRECTORY`. What breaks the rules is printed
 * as 'BAD …'; the end is 'done', with what was done.
 *
 * The rules: only errors that docs/errors.md names, no promise that nobody can handle, no processor time while all waits,
 * and everything that waits is told when its stack is closed.
 */
import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import * as ioth from '../../../lib/index.js';
import { Fabric, Lab, Link } from '../../../lib/lab/index.js';
import { describeFrame, PcapngWriter, VdePort } from '../../../lib/vde/index.js';
import { Values } from '../fuzz-values.js';
import { openDescriptors } from '../processes.js';
import { becomes } from '../until.js';

const { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, Socket, SOCK_DGRAM, SOCK_RAW, Stack } = ioth;

const [seed, milliseconds, dir] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const values = new Values(seed, (error) => {
  if (error instanceof Error) judge('callback', error);
});

let calls = 0;
let last = '';
let pending = 0;
const bad = new Set<string>();

function report(what: string): void {
  if (bad.has(what)) return;
  bad.add(what);
  console.log(`BAD ${what}`);
}

// a text with lines that config_dns does not know is warned of, rightly; every other warning is shown
const [showWarning] = process.listeners('warning');
process.off('warning', showWarning as NodeJS.WarningListener);
process.on('warning', (warning: Error & { code?: string }) => {
  if (warning.code !== 'IOTH_NAMES') showWarning?.(warning);
});
process.on('unhandledRejection', (error) => report(`unhandled rejection after ${last}: ${inspect(error)}`));
process.on('uncaughtException', (error) => report(`uncaught exception after ${last}: ${inspect(error)}`));

function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 1, breakLength: Infinity }).slice(0, 80);
  } catch {
    return 'a DataView whose bytes are gone';
  }
}

/** Whether docs/errors.md names it. */
function isNamed(error: unknown): boolean {
  const { IothError, AbortError, GaiError, DnsError, LibraryNotFoundError } = ioth;
  const own = [IothError, AbortError, GaiError, DnsError, LibraryNotFoundError];
  if (own.some((kind) => error instanceof kind)) return true;
  const { code } = error as { code?: unknown };
  if (code === 'ERR_DNS_SET_SERVERS_FAILED') return true;
  return (error instanceof TypeError || error instanceof RangeError) && typeof code === 'string';
}

/** Whether Node's own check of an argument of node:dns failed as it printed a value: node:dns of the host throws the same. */
function isNodesOwn(call: string, error: unknown): boolean {
  return call.startsWith('dns.') && error instanceof TypeError && / on a detached ArrayBuffer$/.test(error.message);
}

function judge(call: string, error: unknown): void {
  if (!isNamed(error) && !isNodesOwn(call, error)) report(`${call}: ${inspect(error)}`);
}

/** What promises: it rejects, and never throws. */
const PROMISING =
  /^VdePort\.(recv|send)|^Link\.|^FabricNetwork\.|^Lab\.(partition|heal|down|up|restart)|^LabNetwork\.|^LabHost\.ping|^Socket\.(accept|connect|recv|send)|^SocketFile\.|^ioth\.(send|recv)_fds|^dns\.promises\.(lookup|resolve|reverse)|^Stack\.(get.*info|gethostby|getfqdn|create_connection|(ioth_?config|create|ping)$)/;

function run(name: string, method: (...args: unknown[]) => unknown, self: unknown, args: unknown[]): void {
  calls++;
  last = `${name}(${args.map(shown).join(', ')})`;
  const call = last;
  if (process.env.FUZZ_VERBOSE) console.log(call);
  let result: unknown;
  try {
    result = Reflect.apply(method, self, args);
  } catch (error) {
    if (PROMISING.test(name)) report(`${call} threw instead of rejecting: ${inspect(error)}`);
    judge(call, error);
    return;
  }
  if (!(result instanceof Promise)) {
    if (result !== self) putAway(result);
    return;
  }
  pending++;
  result.then(putAway, (error) => judge(call, error)).finally(() => pending--);
}

/** Closes what a call made. */
function putAway(result: unknown): void {
  if (result instanceof Socket) result.close();
  else if (result instanceof Stack) result.close().catch((error) => judge('Stack.close', error));
  else if (Array.isArray(result)) result.forEach(putAway);
}

// what ends an object runs on objects of their own, and what is for ioth's own files is not public
const ENDINGS = ['close', 'closeSync', 'detach', 'stream'];
const INTERNAL = [
  ...['constructor', 'pointer', 'beginNativeCall', 'resolveHost', 'resolveLocally', 'link', 'addressesOf'],
  ...['msocket', 'checkUsable', 'uncountedSocket', 'pumpedSocket', 'netSocket', 'follow', 'show'],
  // Node's own, with its errors; what calls a function with whatever it is given
  ...['fetch', 'run', 'spawn', 'spawnSync'],
  // takes whatever descriptor of the process has a number, those of the stacks' own pipes too
  'fromfd',
  // write to any file; give a descriptor that somebody must open
  ...['capture', 'report', 'addCable', 'closePorts', 'closePortsSync'],
];

type Target = { name: string; self: object };

function methodsOf({ name, self }: Target): [name: string, method: (...args: unknown[]) => unknown, self: object][] {
  const found = new Set<string>();
  for (let level = self; level && !isOfNode(level); level = Object.getPrototypeOf(level)) {
    for (const key of Object.getOwnPropertyNames(level)) found.add(key);
  }
  return [...found]
    .filter((key) => !INTERNAL.includes(key) && !ENDINGS.includes(key) && !key.startsWith('_'))
    .map((key) => [key, memberOf(self, key)] as const)
    .filter(([, member]) => typeof member === 'function' && !isClass(member))
    .map(([key, member]) => [`${name}.${key}`, member as () => unknown, self]);
}

/** A getter may throw: `host.nat` of a host without one. */
function memberOf(self: object, key: string): unknown {
  try {
    return Reflect.get(self, key);
  } catch {
    return undefined;
  }
}

/** `new` of each class in `self`, as methods. */
function constructorsOf({ name, self }: Target): ReturnType<typeof methodsOf> {
  const classes = Object.entries(self).filter(([, value]) => isClass(value) && !(value.prototype instanceof Error));
  return classes
    .filter(([, value]) => value !== Socket)
    .map(([key, value]) => [`new ${name}.${key}`, (...args) => Reflect.construct(value, args), self]);
}

function isOfNode(level: object): boolean {
  return [Object.prototype, Function.prototype, EventEmitter, EventEmitter.prototype].includes(level);
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function socketsOf(a: ioth.Stack, b: ioth.Stack): ioth.Socket[] {
  const listener = a.socket();
  listener.bind(['10.0.0.1', 0]);
  listener.listen();
  const client = b.socket();
  client.sync.connect(listener.getsockname());
  const [server] = listener.sync.accept();
  const udp = a.socket(AF_INET, SOCK_DGRAM);
  udp.bind(['10.0.0.1', 0]);
  const unix = a.socket(AF_UNIX, SOCK_DGRAM);
  unix.bind(`\0fuzz${process.pid}`);
  const closed = a.socket();
  closed.close();
  return [
    listener,
    client,
    server,
    udp,
    unix,
    closed,
    a.socket(),
    a.socket(AF_INET6, SOCK_DGRAM),
    a.socket(AF_PACKET, SOCK_RAW),
    a.socket(AF_NETLINK, SOCK_RAW),
  ];
}

function configured(number: number): ioth.Stack {
  const stack = new Stack('vdestack', `${number === 1 ? 'switch' : 'vde'}://${dir}/switch`, 'nameserver 10.0.0.77');
  for (const ifname of ['lo', 'vde0']) stack.linksetupdown(stack.if_nametoindex(ifname), true);
  stack.ipaddr_add(AF_INET, `10.0.0.${number}`, 24, stack.if_nametoindex('vde0'));
  return stack;
}

/** Arguments as a program gives them, of which one is changed. */
function plausible(name: string): unknown[] {
  const method = name.slice(name.lastIndexOf('.') + 1);
  const [bytes, address] = [Buffer.alloc(16), ['10.0.0.2', 9]];
  const known: Record<string, unknown[]> = {
    bind: [['10.0.0.1', 0]],
    connect: [address, {}],
    connect_ex: [address, {}],
    recv: [16, 0, {}],
    recv_into: [bytes, 0, 0, {}],
    recvfrom: [16, 0, {}],
    recvfrom_into: [bytes, 0, 0, {}],
    recvmsg: [16, 64, 0, {}],
    recvmsg_into: [[bytes], 64, 0, {}],
    send: ['data', 0, {}],
    sendall: ['data', 0, {}],
    sendto: ['data', 0, address, {}],
    sendmsg: [['data', bytes], [[1, 1, Buffer.alloc(4)]], 0, address, {}],
    sendfile: ['/etc/hosts', 0, 10, {}],
    getsockopt: [1, 2, 4],
    setsockopt: [1, 2, 1],
    socket: [AF_INET, SOCK_DGRAM, 0],
    socketpair: [AF_UNIX, SOCK_DGRAM, 0],
    addMembership: ['239.1.2.3', 'vde0', '10.0.0.2'],
    dropMembership: ['239.1.2.3', 'vde0', '10.0.0.2'],
    // FIONREAD
    ioctl: [0x541b, 0],
    makefile: [{ encoding: 'utf8', limit: 10 }],
    readline: [{}],
    read: [4, {}],
    write: ['data', {}],
    create_connection: ['10.0.0.2:9', { timeout: 0.01, source_address: ['10.0.0.1', 0] }],
    create_server: ['10.0.0.1:0', { backlog: 1, reuse_port: true }],
    gethostbyname: ['host.example', {}],
    gethostbyname_ex: ['host.example', {}],
    gethostbyaddr: ['10.0.0.2', {}],
    getfqdn: ['host.example', {}],
    getservbyname: ['http', 'tcp'],
    getservbyport: [80, 'tcp'],
    getprotobyname: ['tcp'],
    send_fds: [sockets[4], ['data'], [0], 0, '\0fuzz', {}],
    recv_fds: [sockets[4], 16, 2, 0, {}],
    getaddrinfo: ['host.example', 80, AF_INET, 1, 0, 0, {}],
    getnameinfo: [address, 0, {}],
    ipaddr_add: values.pick<unknown[]>([
      [AF_INET, '10.0.0.20', 24, 2, {}],
      ['10.0.0.21/24', 'vde0', {}],
    ]),
    iproute_add: values.pick<unknown[]>([
      [AF_INET, '10.0.0.1', '10.9.0.0', 24, 'vde0'],
      [
        `10.9.0.0/24 via 10.0.0.1 ${values.pick(['dev', 'metric', 'src', 'proto', 'via'])} ${values.pick(['vde0', '5', ''])}`,
      ],
    ]),
    lookup: ['host.example', { family: 4 }, () => {}],
    resolve: ['host.example', 'A', () => {}],
    recvBatch: [4, { timeout: 10 }],
    sendBatch: [[Buffer.alloc(20)], { timeout: 10 }],
    set: [
      { delay: 1, jitter: 1, loss: 0.5, rate: '10mbit', queue: 5 },
      values.pick([{ from: 'x' }, 'aToB', undefined]),
    ],
    reset: [values.pick([{ from: 'x' }, { up: 'y' }, 'aToB', undefined])],
    cut: values.pick([[{ from: 'x' }], ['x', 'y']]),
    addPort: ['z', 'null://'],
    removePort: ['z'],
    down: ['y'],
    up: ['y'],
    address: ['lan', 4],
    partition: [['x'], ['y']],
    writeFrame: [0, bytes, { comment: 'x' }],
    iothconfig: ['ip=10.0.0.30/24,eth', { timeout: 50 }],
    create: ['vdestack', null, null, {}],
    sysctl: ['net.ipv4.ip_default_ttl', 64],
    ping: ['10.0.0.2', { count: 2, interval: 1, timeout: 50 }],
  };
  const args = [...((Object.hasOwn(known, method) ? known[method] : undefined) ?? [values.any(), values.any()])];
  if (args.length > 0) args[values.below(args.length)] = values.any();
  return args;
}

function argumentsFor(name: string): unknown[] {
  if (values.random() < 0.6) return plausible(name);
  return Array.from({ length: values.below(6) }, () => values.any());
}

/** Objects of their own come to their end in every way. */
function endSomething(a: ioth.Stack): void {
  const socket = a.socket(values.pick([AF_INET, AF_INET6, AF_UNIX]), SOCK_DGRAM);
  const waits = values.random() < 0.5 && socket.recv(10);
  if (waits) waits.catch((error) => judge('recv', error));
  const args = [values.any()];
  const ways: [string, () => void][] = [
    ['Socket.close', () => run('Socket.close', socket.close, socket, args)],
    ['ioth.close', () => run('ioth.close', ioth.close as never, undefined, [socket.detach()])],
    ['adopt', () => putAway(a.socket(AF_INET, SOCK_DGRAM, 0, socket.detach()))],
    [
      'stream',
      () =>
        socket
          .stream()
          .on('error', () => {})
          .destroy(),
    ],
    ['dup', () => putAway(socket.dup())],
  ];
  const [, end] = values.pick(ways);
  end();
  if (!socket.closed) socket.close();
}

/** The daemons of this process's stacks, and its threads but this one: those that sleep at this moment do not spin. */
function othersAwake(): string[] {
  const threads = readdirSync('/proc/self/task').map((thread) => `/proc/self/task/${thread}`);
  const daemons = threads.flatMap((thread) => textOf(`${thread}/children`).split(' ').filter(Boolean));
  const others = threads.slice(1).concat(daemons.map((pid) => `/proc/${pid}`));
  return others.filter((path) => /\) [RD] /.test(textOf(`${path}/stat`)));
}

/** Empty where the thread or process is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** A loop that spins turns some ten thousand times in that time. */
const MOST_TURNS = 1000;

/** Everything that waits: the loop turns seldom, and each of the others is seen asleep. */
async function waitWithoutSpinning(sockets: readonly ioth.Socket[]): Promise<void> {
  for (const socket of sockets) {
    if (!socket.closed) socket.settimeout(null);
    for (const [name, args] of WAITS) run(`Socket.${name}`, Reflect.get(socket, name), socket, [...args]);
  }
  await delay(300);
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  await delay(700);
  const turns = performance.nodeTiming.uvMetricsInfo.loopCount - loopCount;
  if (turns > MOST_TURNS) report(`${turns} turns of the loop while everything waits`);
  let awake = othersAwake();
  for (let i = 0; i < 12_000 && awake.length > 0; i++) {
    await delay(5);
    const now = othersAwake();
    awake = awake.filter((path) => now.includes(path));
  }
  if (awake.length > 0) report(`${awake.join(' ')} did not sleep while everything waits`);
}

const WAITS: [string, unknown[]][] = [
  ['accept', []],
  ['recv', [10]],
  ['recvfrom', [10]],
  ['recvmsg', [10, 100]],
  ['sendall', [Buffer.alloc(8 << 20)]],
];

function openSockets(): number {
  return openDescriptors().filter((each) => each.includes('-> socket:')).length;
}

const socketsBefore = openSockets();
const a = configured(1);
const b = configured(2);
const sockets = socketsOf(a, b);
const targets: Target[] = [
  { name: 'Stack', self: a },
  { name: 'Stack', self: Stack },
  ...sockets.map((self) => ({ name: 'Socket', self })),
  ...sockets.map(({ sync: self }) => ({ name: 'SyncSocket', self })),
  ...sockets.slice(0, 3).map((socket) => ({ name: 'SocketFile', self: socket.makefile() })),
  { name: 'dns', self: a.dns },
  { name: 'dns.promises', self: a.dns.promises },
  { name: 'dns.Resolver', self: new a.dns.Resolver() },
  { name: 'dns.promises.Resolver', self: new a.dns.promises.Resolver() },
  { name: 'iothaddr', self: ioth.iothaddr },
  { name: 'ioth', self: { ...ioth } },
];
const ports = [await VdePort.open(`hub://${dir}/hub`), await VdePort.open(`vde://${dir}/hub`)];
targets.push(
  ...ports.map((self) => ({ name: 'VdePort', self })),
  { name: 'PcapngWriter', self: new PcapngWriter() },
  { name: 'vde', self: { describeFrame } },
);
const link = await Link.create('null://', 'null://');
const fabric = await Fabric.start();
const network = fabric.addNetwork('lan');
for (const name of ['x', 'y']) await network.addPort(name, 'null://');
targets.push({ name: 'Link', self: link }, { name: 'FabricNetwork', self: network });
const lab = await Lab.create({ networks: { lan: '10.7.0.0/24' }, hosts: { x: 'lan', y: 'lan' } });
targets.push(
  { name: 'Lab', self: lab },
  { name: 'LabNetwork', self: lab.networks.lan },
  { name: 'LabHost', self: lab.hosts.x },
);
const methods = targets.map((target) => [...methodsOf(target), ...constructorsOf(target)]);
const names = new Set(methods.flat().map(([name]) => name));

let isOver = false;
setTimeout(() => {
  isOver = true;
}, milliseconds);
while (!isOver) {
  const [name, method, self] = values.pick(values.pick(methods));
  // a blocking call ends soon, whatever settimeout was told
  if (name.startsWith('SyncSocket')) for (const socket of sockets) socket.settimeout(0.002);
  run(name, method, self, argumentsFor(name));
  if (calls % 50 === 0) endSomething(a);
  if (calls % 20 === 0) await turn();
}
await waitWithoutSpinning(sockets);
ioth.set_defstack(null);
await Promise.all([
  a.close(),
  b.close(),
  link.close(),
  fabric.close(),
  lab.close(),
  ...ports.map((port) => port.close()),
]);
await becomes(() => openSockets() <= socketsBefore && pending === 0);
const left = openSockets() - socketsBefore;
if (left > 0) report(`${left} sockets that nobody closed`);
if (pending > 0) report(`${pending} promises that nobody settled`);
console.log(`done ${calls} calls of ${names.size} methods`);
