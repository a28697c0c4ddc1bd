import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import {
  AF_INET,
  AF_PACKET,
  ETH_P_ALL,
  SO_RCVBUF,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
  type Socket,
  Stack,
  type StackOptions,
} from 'ioth';
import { VdePort } from 'ioth/vde';
import { kill } from '../../../lib/core/kill.js';
import { runText, startScript, startText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { configure } from '../../support/network.js';
import { ETHERTYPE, tagged } from '../../support/packet-frames.js';
import { children, isGone } from '../../support/processes.js';
import { PATIENCE_MS, until } from '../../support/until.js';
import { greeting, textOf } from '../../support/vde.js';

/* Stacks without a tap. test/slow/stack/wire.test.ts runs tests of sockets, configuration, Node's modules and labs on them. */

let dir: string;
let before: Holdings;
beforeEach(() => {
  dir = temporaryDirectory();
  before = holdings();
});
afterEach(async () => {
  rmSync(dir, { recursive: true });
  await expectNothingLeft(before);
});

function stackOn(vnl: StackOptions['vnl'], wire: 'tap' | 'veth' = 'veth'): Stack {
  return new Stack({ stack: 'vdestack', vnl, wire });
}

/** Two stacks on a switch, 10.0.0.1 and 10.0.0.2. The switch is the first one's. */
function pair(scheme = 'switch', second: 'tap' | 'veth' = 'veth'): [Stack, Stack] {
  const stacks: [Stack, Stack] = [
    stackOn(`${scheme}://${dir}/net`),
    stackOn(`${scheme === 'ptp' ? 'ptp' : 'vde'}://${dir}/net`, second),
  ];
  for (const [i, stack] of stacks.entries()) configure(stack, i + 1);
  return stacks;
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it('has the interfaces that a tap would have, with MAC and MTU as asked', async () => {
  const stack = stackOn(['left:null://', 'null://']);
  expect(stack.if_nameindex()).toEqual([
    [1, 'lo'],
    [2, 'left'],
    [3, 'vde1'],
  ]);
  expect(stack.interfaces().map(({ name, up, mtu }) => [name, up, mtu])).toEqual([
    ['lo', false, 65536],
    ['left', false, 1500],
    ['vde1', false, 1500],
  ]);
  expect(String(stack.interfaces())).not.toContain('@');
  stack.linksetaddr('left', '80:00:42:0e:e7:3a');
  stack.linksetmtu('left', 9216);
  expect(stack.interfaces()[1]).toMatchObject({ mac: '80:00:42:0e:e7:3a', mtu: 9216 });
  expect(() => stack.linksetmtu('left', 9217)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  for (const name of ['left', 'vdewire1']) {
    expect(() => stack.iplink_del(name)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  }
  expect(stack.iplink_add(-1, 'bridge', undefined, 'br0')).toBe(4);
  stack.iplink_del('br0');
  await stack.close();
});

it.each([
  ['switch', 'veth'],
  ['switch', 'tap'],
  ['hub', 'veth'],
  ['ptp', 'veth'],
] as const)('carries bytes both ways over %s://, the other one has a %s', async (scheme, second) => {
  const [left, right] = pair(scheme, second);
  const bytes = randomBytes(3 << 20);
  using listener = right.create_server(['10.0.0.2', 80]);
  using client = await left.create_connection(['10.0.0.2', 80]);
  using server = (await listener.accept())[0];
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    const sending = from.sendall(bytes);
    const received: Buffer[] = [];
    for (let left = bytes.length; left > 0; left -= received.at(-1)?.length ?? 0) received.push(await to.recv(left));
    await sending;
    expect(digest(Buffer.concat(received))).toBe(digest(bytes));
  }
  await right.close();
  await left.close();
});

it('carries frames as they are: VLAN tags, and the longest ones', async () => {
  const stack = stackOn(`switch://${dir}/net`);
  stack.linksetmtu('vde0', 9216);
  stack.linksetupdown('vde0', true);
  const port = await VdePort.open(`vde://${dir}/net`, { timeout: PATIENCE_MS });
  using socket = stack.socket(AF_PACKET, SOCK_RAW, ETH_P_ALL);
  socket.bind(['vde0', ETH_P_ALL]);
  const long = Buffer.concat([greeting(2, 'long'), Buffer.alloc(9216 - greeting(2, 'long').length + 14, 1)]);
  for (const frame of [tagged(greeting(2, 'in a VLAN'), 5), greeting(2, 'plain'), long]) {
    await socket.send(frame);
    await expectFrame(frame, () => port.recv({ timeout: PATIENCE_MS }));
  }
  for (const frame of [greeting(3, 'plain'), long]) {
    await port.send(frame);
    await expectFrame(frame, () => socket.recv(10_000));
  }
  await port.close();
  await stack.close();
});

/** Waits for a frame among those that the kernel sends by itself. */
async function expectFrame(expected: Buffer, next: () => Promise<Buffer>): Promise<void> {
  for (;;) {
    const frame = await next();
    const isKernels = frame.readUInt16BE(12) === ETHERTYPE[6];
    if (isKernels) continue;
    expect({ text: textOf(frame), frame: frame.toString('hex') }).toEqual({
      text: textOf(expected),
      frame: expected.toString('hex'),
    });
    return;
  }
}

it('delivers what was sent before it ends, in both ways of closing', async () => {
  for (const close of [(stack: Stack) => stack.close(), (stack: Stack) => stack.closeSync()]) {
    const [left, right] = pair('hub', 'tap');
    using listener = right.create_server(['10.0.0.2', 80]);
    const client = await left.create_connection(['10.0.0.2', 80]);
    using server = (await listener.accept())[0];
    using inbox = right.socket(AF_INET, SOCK_DGRAM);
    inbox.setsockopt(SOL_SOCKET, SO_RCVBUF, 1 << 20);
    inbox.bind(['10.0.0.2', 7]);
    const outbox = left.socket(AF_INET, SOCK_DGRAM);
    await client.sendall('the end');
    for (let i = 0; i < 50; i++) await outbox.sendto(`datagram ${i}`, ['10.0.0.2', 7]);
    await close(left);
    expect(String(await server.recv(100))).toBe('the end');
    expect((await server.recv(100)).length).toBe(0);
    for (let i = 0; i < 50; i++) expect(String(await inbox.recv(100))).toBe(`datagram ${i}`);
    await right.close();
    rmSync(`${dir}/net`, { recursive: true, force: true });
  }
});

it('says the same as a tap of a network that cannot be joined', async () => {
  mkdirSync(`${dir}/file`);
  const served = stackOn(`switch://${dir}/net`);
  for (const vnl of ['vde://DIR/none', 'switch://DIR/no/parent', 'switch://DIR/net', 'switch://DIR/file', 'x://y']) {
    const errors = (['tap', 'veth'] as const).map((wire) => {
      try {
        stackOn(vnl.replace('DIR', dir), wire).closeSync();
        return undefined;
      } catch (error) {
        const { code, syscall, message } = error as { code: string; syscall: string; message: string };
        return { code, syscall, message };
      }
    });
    expect(errors[1]).toEqual(errors[0]);
    expect(errors[0]).toBeDefined();
  }
  await served.close();
});

it('of several networks that one cannot be joined leaves nothing', async () => {
  expect(() => stackOn(['null://', `switch://${dir}/net`, `vde://${dir}/none`])).toThrow(
    expect.objectContaining({ code: 'ENOENT' }),
  );
});

it('ends with its daemon', async () => {
  const [left, right] = pair();
  const ended = new Promise((resolve) => left.once('close', () => resolve('closed')));
  const failed = new Promise((resolve) => left.once('error', resolve));
  kill(left.daemonPid as number, 'SIGKILL');
  expect(await failed).toMatchObject({ code: 'ERR_STACK_DEAD' });
  expect(await ended).toBe('closed');
  await right.close();
});

it.each([
  ['close()', (stack: Stack) => stack.close()],
  ['closeSync()', (stack: Stack) => stack.closeSync()],
])('ends its command by %s', async (_way, close) => {
  const stack = stackOn('cmd://cat');
  const commands = children().filter((pid) => pid !== stack.daemonPid && !before.children.includes(pid));
  expect(commands).toHaveLength(1);
  await close(stack);
  expect(commands.every(isGone)).toBe(true);
});

it('that ends while its network takes nothing leaves the others alone', async () => {
  const [full, other] = [stackOn(`ptp://${dir}/full`), stackOn(`ptp://${dir}/other`)];
  const ports = [await VdePort.open(`ptp://${dir}/full`), await VdePort.open(`ptp://${dir}/other`)];
  const [frames, heard] = [full, other].map((stack) => {
    stack.linksetupdown('vde0', true);
    const socket = stack.socket(AF_PACKET, SOCK_RAW, ETH_P_ALL);
    socket.bind(['vde0', ETH_P_ALL]);
    return socket;
  }) as [Socket, Socket];
  // more than the cable and the thread take before the sender is held
  for (let i = 0; i < 2000; i++) await frames.send(greeting(1, 'unread'));
  await full.close();
  await heard.send(greeting(2, 'still there'));
  await expectFrame(greeting(2, 'still there'), () => ports[1]!.recv({ timeout: PATIENCE_MS }));
  await other.close();
  for (const port of ports) await port.close();
});

it('ends with the thread that carries its frames, and the next one gets another', async () => {
  const { code, stdout, stderr } = await startScript('wire-thread-fails.ts', [dir]).exit;
  expect([code, stdout, stderr]).toEqual([0, 'ERR_STACK_DEAD\nlo,vde0\n', '']);
});

it('is an option of the stack, or IOTH_WIRE', async () => {
  expect(() => stackOn('null://', 'rope' as 'tap')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  const text = `
    const stack = new ioth.Stack('vdestack', 'null://');
    console.log(stack.interfaces().find(({ name }) => name === 'vde0').kind);
    stack.closeSync();`;
  const kinds = await Promise.all(
    ['', 'tap', 'veth', 'rope'].map((IOTH_WIRE) => runText(dir, text, { env: { IOTH_WIRE } })),
  );
  expect(kinds.slice(1, 3).map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, 'tun\n'],
    [0, 'veth\n'],
  ]);
  expect(kinds[3]?.stderr).toContain("IOTH_WIRE must be 'tap' or 'veth', not 'rope'");
});

it.each(['SIGKILL', 'SIGTERM', 'exit'])('a program with wires ends by %s, and nothing of it stays', async (way) => {
  const text = `
    const stack = new ioth.Stack({ stack: 'vdestack', vnl: 'switch://${dir}/net', wire: 'veth' });
    console.log(stack.daemonPid);
    ${way === 'exit' ? 'process.exit(3);' : 'setInterval(() => {}, 1000);'}`;
  const program = startText(dir, text);
  await program.says('\n');
  const daemon = Number(program.stdout);
  if (way !== 'exit') program.kill(way as NodeJS.Signals);
  await program.exit;
  await until('the daemon has ended', () => isGone(daemon));
  const next = stackOn(`switch://${dir}/net`);
  await next.close();
});
