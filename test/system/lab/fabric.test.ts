import { closeSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, SOCK_DGRAM, Stack } from 'ioth';
import { Fabric, type FabricNetwork, type FrameFate, type LinkFaults, type SecondFigures } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { cameWithin, drain } from '../../support/link.js';
import { configure } from '../../support/network.js';
import { lasting, PATIENCE_MS, timer, until } from '../../support/until.js';
import { frameOf, greeting, macOf, TEST_TYPE, textOf } from '../../support/vde.js';

const WAIT = { timeout: PATIENCE_MS };

const before = holdings();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  // the last that was opened is closed first
  for (const each of open.splice(0).reverse()) await each.close();
  await expectNothingLeft(before);
});

async function fabricOf(seed?: number): Promise<Fabric> {
  const fabric = await Fabric.start({ seed });
  open.push(fabric);
  return fabric;
}

/** Ports of a network, each with a station that has the MAC of its number, from 1. */
async function stations(network: FabricNetwork, ...names: string[]): Promise<VdePort[]> {
  const ports: VdePort[] = [];
  for (const name of names) {
    const port = await VdePort.open(await network.addCable(name));
    open.push(port);
    ports.push(port);
  }
  return ports;
}

/** Stacks of a network: 10.0.0.1, 10.0.0.2 … */
async function stacks(network: FabricNetwork, ...names: string[]): Promise<Stack[]> {
  const made: Stack[] = [];
  for (const name of names) {
    const stack = new Stack('vdestack', await network.addCable(name));
    open.push(stack);
    configure(stack, made.push(stack));
  }
  return made;
}

/** From the station `from` to the station `to`. */
function message(from: number, to: number, text: string): Buffer {
  return frameOf(macOf(to), macOf(from), TEST_TYPE, text);
}

/** What the ports have heard, when the network has forwarded `count` frames in all. */
async function heard(network: FabricNetwork, count: number, ports: readonly VdePort[]): Promise<string[][]> {
  while ((await network.stats()).total.received.frames < count) await delay(2);
  return Promise.all(ports.map(async (port) => (await drain(port)).map(textOf)));
}

describe('a network', () => {
  test('learns which MAC is where, and sends what it does not know to all others', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    await a.send(greeting(1, 'for all'));
    expect([textOf(await b.recv(WAIT)), textOf(await c.recv(WAIT))]).toEqual(['for all', 'for all']);
    await b.send(message(2, 1, 'to a'));
    expect(textOf(await a.recv(WAIT))).toBe('to a');
    await a.send(message(1, 2, 'to b'));
    await a.send(message(1, 9, 'to whom?'));
    expect([textOf(await b.recv(WAIT)), textOf(await b.recv(WAIT))]).toEqual(['to b', 'to whom?']);
    // c heard neither of those between a and b, and nobody hears himself
    expect(textOf(await c.recv(WAIT))).toBe('to whom?');
    // a station that moves is found at its next word
    await c.send(greeting(2, 'I moved'));
    expect(textOf(await a.recv(WAIT))).toBe('I moved');
    await a.send(message(1, 2, 'to c'));
    expect(textOf(await c.recv(WAIT))).toBe('to c');
    const { ports, total } = await network.stats();
    expect(Object.keys(ports)).toEqual(['a', 'b', 'c']);
    expect([ports.a?.received.frames, ports.a?.sent.frames, total.received.frames]).toEqual([4, 2, 6]);
  });

  test('closes the other end of a cable with its port, but not one that somebody opened, or another socket', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const kept = holdings();
    await network.addCable('a');
    await network.removePort('a');
    await expectNothingLeft(kept);
    const port = await VdePort.open(await network.addCable('a'));
    open.push(port);
    const [stack] = (await stacks(network, 'b')) as [Stack];
    const number = Number((await network.addCable('c')).slice('seqpacket://'.length));
    closeSync(number);
    using successor = stack.socket(AF_INET, SOCK_DGRAM);
    expect(successor.fileno()).toBe(number);
    for (const name of network.ports) await network.removePort(name);
    // sends on its descriptor
    await expect(port.send(greeting(1, 'is it open?'))).rejects.toMatchObject({ code: 'EPIPE' });
    expect(successor.getsockname().port).toBe(0);
    // left to the end of the fabric
    await network.addCable('d');
  });

  test('has a whole switch behind a port, and plugs into one of others', async () => {
    const dir = temporaryDirectory();
    const network = (await fabricOf()).addNetwork('lan');
    await network.addPort('switch', `switch://${dir}/switch`);
    const [alice] = (await stations(network, 'alice')) as [VdePort];
    // this thread does not serve the switch: it could wait for it
    const stack = new Stack('vdestack', `vde://${dir}/switch`);
    open.push(stack);
    configure(stack, 2);
    const far = await VdePort.open(`vde://${dir}/switch`);
    open.push(far);
    const other = (await fabricOf()).addNetwork('other');
    await other.addPort('uplink', `vde://${dir}/switch`);
    const [bob] = (await stations(other, 'bob')) as [VdePort];
    await alice.send(greeting(1, 'hello'));
    for (const port of [far, bob]) {
      let text = '';
      // the stack says things on its own account
      while (text !== 'hello') text = textOf(await port.recv(WAIT));
    }
    await bob.send(message(9, 1, 'back'));
    let text = '';
    while (text !== 'back') text = textOf(await alice.recv(WAIT));
    for (const each of open.splice(0).reverse()) await each.close();
    expect(readdirSync(dir)).toEqual([]);
    rmSync(dir, { recursive: true });
  });

  test('keeps apart what a partition divides, until it is healed', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b, c, d] = (await stations(network, 'a', 'b', 'c', 'd')) as [VdePort, VdePort, VdePort, VdePort];
    let count = 0;
    const talk = async () => {
      await a.send(greeting(1, 'a'));
      await c.send(greeting(3, 'c'));
      count += 2;
      return (await heard(network, count, [a, b, c, d])).map((texts) => texts.sort().join(''));
    };
    await network.partition(['a', 'b'], ['c']);
    expect(await talk()).toEqual(['', 'a', '', '']);
    // who is in no group is in one more
    await network.partition(['b']);
    expect(await talk()).toEqual(['c', '', 'a', 'ac']);
    await network.heal();
    expect(await talk()).toEqual(['c', 'ac', 'a', 'ac']);
    expect((await network.stats()).total.dropped.partition).toBe(5 + 2);
  });

  test('cuts one direction, or both, and several cuts add up until all are healed', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const ports = await stations(network, 'a', 'b', 'c');
    let count = 0;
    // each of them to all; what each has heard
    const talk = async () => {
      for (const [i, name] of ['a', 'b', 'c'].entries()) await ports[i]?.send(greeting(i + 1, name));
      count += 3;
      return (await heard(network, count, ports)).map((texts) => texts.sort().join(''));
    };
    await network.cut({ from: 'a', to: 'b' });
    expect(await talk()).toEqual(['bc', 'c', 'ab']);
    // a and b are apart, and both reach c
    await network.cut('a', 'b');
    expect(await talk()).toEqual(['c', 'c', 'ab']);
    await network.cut({ from: 'c' });
    await network.partition(['b']);
    expect(await talk()).toEqual(['', '', 'a']);
    const { cut, partition } = (await network.stats()).total.dropped;
    expect([cut, partition]).toEqual([1 + 2 + 1, 4]);
    await network.heal();
    expect(await talk()).toEqual(['bc', 'ac', 'ab']);
  });

  test('brings back the faults that it was made with, of all directions or some', async () => {
    const network = (await fabricOf()).addNetwork('lan', { loss: 1 });
    const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    await network.set({});
    await network.reset({ to: 'b' });
    await a.send(greeting(1, 'a'));
    expect(await heard(network, 1, [b, c])).toEqual([[], ['a']]);
    // heal() is for partitions and cuts
    await network.heal();
    await network.reset();
    await a.send(greeting(1, 'again'));
    expect(await heard(network, 2, [b, c])).toEqual([[], []]);
    await network.set({});
    await a.send(greeting(1, 'once more'));
    expect([textOf(await b.recv(WAIT)), textOf(await c.recv(WAIT))]).toEqual(['once more', 'once more']);
  });

  test('has links of its ports, whose faults come on top of those of the way', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    const comments: string[] = [];
    const capture = await network.capture(undefined, {
      onFrame: (frame, _time, { comment }) => comments.push(`${textOf(frame)}: ${comment}`),
    });
    let count = 0;
    const talk = async () => {
      for (const [i, port] of [a, b, c].entries()) await port.send(greeting(i + 1, 'abc'.charAt(i)));
      count += 3;
      return (await heard(network, count, [a, b, c])).map((texts) => texts.sort().join(''));
    };
    await network.set({ loss: 1 }, { up: 'a' });
    expect(await talk()).toEqual(['bc', 'c', 'b']);
    await network.set({ loss: 1 }, { down: ['b', 'c'] });
    expect(await talk()).toEqual(['bc', '', '']);
    // these are faults of the ways between
    await network.set({ loss: 1 });
    expect(await talk()).toEqual(['', '', '']);
    await network.reset();
    expect(await talk()).toEqual(['bc', 'ac', 'ab']);
    await capture.stop();
    expect(comments.slice(0, 3).sort()).toEqual(['a: dropped: loss', 'b: undefined', 'c: undefined']);
    expect(comments.slice(3, 6).sort()).toEqual([
      'a: dropped: loss',
      'b: to c: dropped: loss',
      'c: to b: dropped: loss',
    ]);
    // once for each receiver, but on the way to the network once
    expect((await network.stats()).ports.a?.dropped.loss).toBe(1 + 1 + 1);
  });

  test('delays on each part of the way, and shares the rate of a link between receivers', async () => {
    const network = (await fabricOf()).addNetwork('lan', { delay: 20 });
    const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    for (const [i, port] of [b, c].entries()) await port.send(greeting(i + 2, 'here'));
    for (const port of [b, c]) expect(textOf(await port.recv(WAIT))).toBe('here');
    await network.set({ delay: 30 }, { up: 'a' });
    await network.set({ delay: 40 }, { down: 'b' });
    const isDue = timer(89);
    await a.send(message(1, 2, 'slowly'));
    expect(textOf(await b.recv(WAIT))).toBe('slowly');
    await delay(0);
    expect(isDue()).toBe(true);
    // 15 bytes each: no place is free again within two minutes
    await network.set({ rate: '1bit', queue: 5 }, { up: 'a' });
    for (let n = 0; n < 8; n++) await a.send(message(1, 2 + (n % 2), `${n}`));
    while ((await network.stats()).ports.a?.dropped.queue !== 3) await delay(2);
    // 400 ms
    const [d] = (await stations(network, 'd')) as [VdePort];
    await network.set({ rate: '300bit', queue: 5 }, { up: 'd' });
    for (let n = 0; n < 5; n++) await d.send(message(4, 2 + (n % 2), `${n}`));
    const texts = [await b.recv(WAIT), await c.recv(WAIT), await b.recv(WAIT), await c.recv(WAIT), await b.recv(WAIT)];
    expect(texts.map(textOf)).toEqual(['0', '1', '2', '3', '4']);
  });

  test.each([
    ['unplugged', 'down', { up: 'a' }, (network: FabricNetwork) => network.down('a')],
    ['cut', 'cut', { down: 'b' }, (network: FabricNetwork) => network.cut('a', 'b')],
  ] as const)('loses what is under way on a link of its own when it is %s', async (_what, reason, where, lose) => {
    let countOf = async (): Promise<number> => 0;
    await until('a frame is under way then', async () => {
      const network = (await fabricOf()).addNetwork('lan');
      const [a] = (await stations(network, 'a', 'b')) as [VdePort];
      await network.set({ delay: 1000 }, where);
      countOf = async () => (await network.stats()).ports.a!.dropped[reason];
      const isUnderWay = lasting(1000);
      await a.send(greeting(1, 'lost'));
      await until('it is heard', async () => (await network.stats()).ports.a?.received.frames === 1);
      await lose(network);
      return isUnderWay();
    });
    await until('it is lost', async () => (await countOf()) === 1);
  });

  test.each<[LinkFaults, object | undefined, string]>([
    [{ delay: 1000 }, undefined, 'a'],
    [{ delay: 1000 }, undefined, 'b'],
    [{ delay: 1000 }, { up: 'a' }, 'a'],
    [{ delay: 1000 }, { down: 'b' }, 'b'],
    [{ rate: '120bit', queue: 'codel' }, undefined, 'b'],
  ])('with %j %j loses what is under way when %s is unplugged and plugged in again', async (faults, where, name) => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b] = (await stations(network, 'a', 'b')) as [VdePort, VdePort];
    await network.set(faults, where);
    await a.send(greeting(1, 'lost'));
    while ((await network.stats()).ports.a?.received.frames !== 1) await delay(2);
    await network.down(name);
    await network.up(name);
    await a.send(greeting(1, 'there'));
    expect(textOf(await b.recv(WAIT))).toBe('there');
    expect((await network.stats()).ports.a?.dropped.down).toBe(1);
  });

  test('gives a new port nothing that was sent to the former one, and what the former one sent to others', async () => {
    const network = (await fabricOf()).addNetwork('lan', { delay: 1000 });
    const [a, b] = (await stations(network, 'a', 'b')) as [VdePort, VdePort];
    await a.send(greeting(1, 'lost'));
    await b.send(greeting(2, 'sent before'));
    while ((await network.stats()).total.received.frames !== 2) await delay(2);
    await network.removePort('b');
    const [again] = (await stations(network, 'b')) as [VdePort];
    await a.send(greeting(1, 'there'));
    expect(textOf(await again.recv(WAIT))).toBe('there');
    expect(textOf(await a.recv(WAIT))).toBe('sent before');
    expect((await network.stats()).total.dropped.down).toBe(1);
  });

  test('has faults from here to there', async () => {
    const network = (await fabricOf()).addNetwork('lan', { loss: 1 });
    const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    await network.set({}, { from: 'a', to: ['b', 'c'] });
    await network.set({ loss: 1 }, { to: 'c' });
    await a.send(greeting(1, 'a'));
    await b.send(greeting(2, 'b'));
    expect(await heard(network, 2, [a, b, c])).toEqual([[], ['a'], []]);
    await network.set({});
    await b.send(greeting(2, 'again'));
    expect([textOf(await a.recv(WAIT)), textOf(await c.recv(WAIT))]).toEqual(['again', 'again']);
  });

  test('plugs and unplugs ports', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b] = (await stations(network, 'a', 'b')) as [VdePort, VdePort];
    await network.down('b');
    await a.send(greeting(1, 'lost'));
    await b.send(greeting(2, 'lost too'));
    expect(await heard(network, 2, [a, b])).toEqual([[], []]);
    await network.up('b');
    await a.send(greeting(1, 'there'));
    expect(textOf(await b.recv(WAIT))).toBe('there');
    await network.removePort('b');
    expect(await b.recv(WAIT)).toHaveLength(0);
    expect(network.ports).toEqual(['a']);
    const [again] = (await stations(network, 'b')) as [VdePort];
    await a.send(greeting(1, 'back'));
    expect(textOf(await again.recv(WAIT))).toBe('back');
    // its figures are those of the name
    expect((await network.stats()).ports.b).toMatchObject({ sent: { frames: 2 }, dropped: { down: 1 } });
  });

  test('makes the same faults whatever goes on elsewhere', async () => {
    const lost: string[] = [];
    for (const hasNoise of [false, true]) {
      const network = (await fabricOf(77)).addNetwork('lan', { loss: 0.5 });
      const [a, b, c] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
      const texts: string[] = [];
      for (let n = 0; n < 200; n++) {
        if (hasNoise) await c.send(greeting(3, 'noise'));
        await a.send(greeting(1, `${n}`));
        texts.push(...(await heard(network, hasNoise ? 2 * n + 2 : n + 1, [b])).flat());
      }
      lost.push(texts.filter((text) => text !== 'noise').join());
    }
    expect(lost[1]).toBe(lost[0]);
    expect(lost[0]?.split(',').length).toBeGreaterThan(60);
  });

  test('says in a capture what happened to whom', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    await network.set({ loss: 1 }, { to: 'b' });
    await network.partition(['c']);
    const comments: (string | undefined)[] = [];
    const capture = await network.capture(undefined, {
      onFrame: (_frame, _time, { comment }) => comments.push(comment),
    });
    await a.send(greeting(1, 'anybody?'));
    while (capture.frames < 1) await delay(5);
    await capture.stop();
    expect(comments).toEqual(['to b: dropped: loss; to c: dropped: partition']);
  });

  test('tells the callback of a capture from where to where a frame went', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a, b] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    const fates: [string, FrameFate][] = [];
    const capture = await network.capture(undefined, {
      onFrame: (frame, _, fate) => fates.push([textOf(frame), fate]),
    });
    await a.send(greeting(1, 'to all'));
    await heard(network, 1, []);
    await b.send(message(2, 1, 'answer'));
    await heard(network, 2, []);
    // the link of the sender delays it: it is recorded before it comes to the network
    await network.set({ delay: 5 }, { up: 'a' });
    await network.cut({ from: 'a', to: 'b' });
    await a.send(message(1, 2, 'cut'));
    await a.send(message(1, 9, 'unknown'));
    while (capture.frames < 6) await delay(5);
    await capture.stop();
    expect(fates.sort(([one], [other]) => one.localeCompare(other))).toEqual([
      ['answer', { from: 'b', to: 'a', comment: undefined }],
      ['cut', { from: 'a', to: 'b', comment: undefined }],
      ['cut', { from: 'a', to: 'b', comment: 'to b: dropped: cut' }],
      ['to all', { from: 'a', to: undefined, comment: undefined }],
      ['unknown', { from: 'a', to: undefined, comment: undefined }],
      ['unknown', { from: 'a', to: undefined, comment: 'to b: dropped: cut' }],
    ]);
  });

  test('keeps its figures of each second', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [a] = (await stations(network, 'a', 'b', 'c')) as [VdePort, VdePort, VdePort];
    await network.cut({ from: 'a', to: 'c' });
    for (let n = 0; n < 20; n++) await a.send(greeting(1, `frame ${n}`));
    const sum = (seconds: SecondFigures[], of: (figures: SecondFigures) => number) =>
      seconds.reduce((before, each) => before + of(each), 0);
    let seconds: SecondFigures[] = [];
    while (sum(seconds, ({ total }) => total.received.frames) < 20) {
      await delay(5);
      seconds = await network.history();
    }
    const { ports, total } = await network.stats();
    expect(sum(seconds, (each) => each.ports.b!.sent.frames)).toBe(20);
    expect(sum(seconds, (each) => each.ports.b!.sent.bytes)).toBe(ports.b!.sent.bytes);
    expect(sum(seconds, (each) => each.ports.a!.dropped)).toBe(20);
    expect(sum(seconds, (each) => each.total.received.bytes)).toBe(total.received.bytes);
    expect(seconds.every(({ duration }) => duration > 0)).toBe(true);
    // others may have ended since
    const last = await network.history({ seconds: 1 });
    expect(last).toHaveLength(1);
    expect(last[0]!.time).toBeGreaterThanOrEqual(seconds.at(-1)!.time);
    await expect(network.history({ seconds: 601 })).rejects.toThrow('options.seconds must be');
  });

  test('refuses names that it does not know, and those that are taken', async () => {
    const fabric = await fabricOf();
    const network = fabric.addNetwork('lan');
    await stations(network, 'a');
    expect(() => fabric.addNetwork('lan')).toThrow("there is a network 'lan' already");
    expect(() => fabric.addNetwork('')).toThrow('name must be the name of a network');
    await expect(network.addPort('a', 'null://')).rejects.toThrow("there is a port 'a' already");
    await expect(network.addPort('b', 5 as unknown as string)).rejects.toThrow('vnl must be a string');
    await expect(network.addPort('b', 'vde:///nowhere')).rejects.toMatchObject({ syscall: 'vde_open' });
    await expect(network.removePort('b')).rejects.toThrow("name must be a port of the network: 'a'");
    await expect(network.partition(['a'], ['a'])).rejects.toThrow("'a' is there twice");
    await expect(network.partition(['z'])).rejects.toThrow("groups[0] must be ports of the network: 'a', not 'z'");
    await expect(network.set({}, { from: 'z' })).rejects.toThrow('where.from must be');
    await expect(network.set({}, { form: 'a' } as object)).rejects.toThrow("without 'form'");
    await expect(network.set({}, { up: 'z' })).rejects.toThrow('where.up must be ports of the network');
    await expect(network.set({}, { up: 'a', to: 'a' })).rejects.toThrow('either { from, to } or { up, down }');
    await expect(network.reset({ from: 'z' })).rejects.toThrow('where.from must be');
    await expect(network.reset(null as unknown as undefined)).rejects.toThrow('options must be');
    await expect(network.cut('a', 'z')).rejects.toThrow("b must be ports of the network: 'a', not 'z'");
    await expect(network.cut('a', ['a'])).rejects.toThrow("b must be without 'a', which is in 'a'");
    await expect(Reflect.apply(network.cut, network, ['a'])).rejects.toThrow("b must be what 'a' is cut from");
    await expect(network.cut({})).rejects.toThrow('the arguments must be two names or lists, or one { from, to }');
    await expect(Reflect.apply(network.cut, network, [{ form: 'a' }])).rejects.toThrow("without 'form'");
    await expect(Reflect.apply(network.cut, network, [{ from: 'a' }, 'a'])).rejects.toThrow('the arguments must be');
    await expect(network.up('z')).rejects.toThrow('name must be a port');
    await fabric.close();
    await fabric.close();
    expect(() => fabric.addNetwork('wan')).toThrow(expect.objectContaining({ code: 'ERR_IOTH_FABRIC' }));
    for (const call of [network.heal(), network.stats(), network.addCable('b'), network.recentFrames()]) {
      await expect(call).rejects.toMatchObject({ code: 'ERR_IOTH_FABRIC' });
    }
  });
});

describe('real stacks', () => {
  test('ping measures the delay that was asked for', async () => {
    const network = (await fabricOf()).addNetwork('wan', { delay: 20 });
    const [alice] = (await stacks(network, 'alice', 'bob')) as [Stack];
    const { received, min } = await alice.ping('10.0.0.2', { count: 10, interval: 200, timeout: PATIENCE_MS });
    // there and back; how much more it takes is a figure of the benchmark
    expect([received, min! >= 40]).toEqual([10, true]);
  });

  test('TCP survives 20% loss and 50 ms jitter with every byte right', async () => {
    const network = (await fabricOf(20)).addNetwork('wan', { delay: 50, jitter: 50, loss: 0.2 });
    const [alice, bob] = (await stacks(network, 'alice', 'bob')) as [Stack, Stack];
    const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) & 0xff));
    const listener = alice.socket();
    listener.bind(['10.0.0.1', 80]);
    listener.listen();
    const client = bob.socket();
    const [[server]] = await Promise.all([listener.accept(), client.connect(['10.0.0.1', 80])]);
    const sending = client.sendall(bytes);
    const parts: Buffer[] = [];
    for (let left = bytes.length; left > 0; left -= parts.at(-1)!.length) {
      parts.push(await server.recv(65536));
      expect(parts.at(-1)!.length).toBeGreaterThan(0);
    }
    await sending;
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect((await network.stats()).total.dropped.loss).toBeGreaterThan(5);
    await network.set({});
    for (const socket of [server, client, listener]) socket.close();
  });

  test('a connection outlives a partition of 5 s', async () => {
    const network = (await fabricOf()).addNetwork('lan');
    const [alice, bob] = (await stacks(network, 'alice', 'bob')) as [Stack, Stack];
    const listener = alice.socket();
    listener.bind(['10.0.0.1', 80]);
    listener.listen();
    const client = bob.socket();
    const [[server]] = await Promise.all([listener.accept(), client.connect(['10.0.0.1', 80])]);
    await network.partition(['alice'], ['bob']);
    await client.sendall('into the dark');
    const signal = AbortSignal.timeout(5000);
    await expect(server.recv(100, 0, { signal })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await network.heal();
    expect(String(await server.recv(100))).toBe('into the dark');
    for (const socket of [server, client, listener]) socket.close();
  });

  test('datagrams arrive twice and out of order, as the seed says', async () => {
    const network = (await fabricOf(6)).addNetwork('lan');
    const [alice, bob] = (await stacks(network, 'alice', 'bob')) as [Stack, Stack];
    const receiver = alice.socket(AF_INET, SOCK_DGRAM);
    receiver.bind(['10.0.0.1', 5000]);
    const sender = bob.socket(AF_INET, SOCK_DGRAM);
    // who is where is asked before
    await sender.sendto('first', ['10.0.0.1', 5000]);
    await receiver.recv(100);
    await network.set({ delay: 1000, reorder: 1, gap: 3, duplicate: 1 }, { from: 'bob', to: 'alice' });
    let sent: { text: string; isAtOnce: boolean; time: bigint }[] = [];
    let numbers: string[] = [];
    const onFrame = (frame: Buffer, time: bigint, { comment }: FrameFate) => {
      // of UDP over IPv4: what else a stack says now and then counts with every third one, too
      const isDatagram = frame.readUInt16BE(12) === 0x0800 && frame[23] === 17;
      const isAtOnce = Boolean(comment?.includes('reordered'));
      if (isDatagram) sent.push({ text: frame.toString('latin1', 42, 43), isAtOnce, time });
    };
    await until('all come before the first one is due', async () => {
      [sent, numbers] = [[], []];
      const capture = await network.capture(undefined, { onFrame });
      for (let n = 0; n < 6; n++) await sender.sendto(`${n}`, ['10.0.0.1', 5000]);
      while (numbers.length < 12) numbers.push(String(await receiver.recv(100)));
      await capture.stop();
      const times = sent.map(({ time }) => time);
      return cameWithin(1000, times);
    });
    // a copy has the delay, whether its frame goes at once or not
    const atOnce = sent.filter(({ isAtOnce }) => isAtOnce).map(({ text }) => text);
    const later = sent.map(({ text, isAtOnce }) => (isAtOnce ? text : text + text)).join('');
    expect(atOnce.length).toBeGreaterThan(0);
    expect(numbers.join('')).toBe(atOnce.join('') + later);
    sender.close();
    receiver.close();
  });
});

describe('close()', () => {
  test('ends the captures', async () => {
    const fabric = await fabricOf();
    const network = fabric.addNetwork('lan');
    const [a] = (await stations(network, 'a', 'b')) as [VdePort];
    const file = join(temporaryDirectory(), 'capture.pcapng');
    const capture = await network.capture(file);
    await a.send(greeting(1, 'the last words'));
    await heard(network, 1, []);
    await fabric.close();
    await capture.done;
    expect(readFileSync(file).includes('the last words')).toBe(true);
  });

  test('a port cannot be removed meanwhile: the thread may use it', async () => {
    const fabric = await fabricOf();
    const network = fabric.addNetwork('lan');
    await stations(network, 'a');
    const closing = fabric.close();
    await expect(network.removePort('a')).rejects.toMatchObject({ code: 'ERR_IOTH_FABRIC' });
    await closing;
    expect(network.ports).toEqual([]);
  });
});

test('shows frames to all who look, until each stops', async () => {
  const network = (await fabricOf()).addNetwork('lan');
  const [a] = (await stations(network, 'a', 'b')) as [VdePort];
  const seen = [0, 0];
  const stops = [];
  for (const who of [0, 1]) stops.push(await network.show(() => seen[who]!++));
  const shown = async (who: number) => {
    const before = seen[who]!;
    await until('a frame is shown', async () => {
      await a.send(greeting(1, 'hello'));
      return seen[who]! > before;
    });
  };
  for (const who of [0, 1]) await shown(who);
  await stops[1]!();
  const atStop = seen[1];
  await shown(0);
  expect(seen[1]).toBe(atStop);
  await stops[0]!();
  await stops[0]!();
});

describe('the end of the process closes it', () => {
  test.each<[string, number | string]>([
    ['exit', 3],
    ['exception', 1],
    ['end of the program', 0],
    ['while opening', 3],
    ['SIGTERM', 'SIGTERM'],
  ])('%s', async (way, status) => {
    const dir = temporaryDirectory();
    const life = startScript('lab-way-out.ts', [dir, way === 'SIGTERM' ? 'signal' : way]);
    if (way === 'SIGTERM') {
      await life.line('open');
      life.kill('SIGTERM');
    }
    const ended = await life.exit;
    expect({ status: ended.code, stdout: life.stdout }).toEqual({ status, stdout: 'open\n' });
    expect(readdirSync(dir)).toEqual([]);
    rmSync(dir, { recursive: true });
  });
});
