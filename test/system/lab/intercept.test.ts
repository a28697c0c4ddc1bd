import { AF_INET, AF_INET6, SOCK_DGRAM } from 'ioth';
import { Fabric, type FabricNetwork, type FrameFate } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, holdings } from '../../support/leaks.js';
import { cameWithin, linkedPorts, numbered, numberOf } from '../../support/link.js';
import { PATIENCE_MS, until } from '../../support/until.js';
import { greeting, TEST_TYPE, textOf } from '../../support/vde.js';

const WAIT = { timeout: PATIENCE_MS };

const before = holdings();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  await expectNothingLeft(before);
});

interface Lan {
  network: FabricNetwork;
  fabric: Fabric;
  a: VdePort;
  b: VdePort;
  c: VdePort;
  /** The comments of the frames so far. */
  comments: (string | undefined)[];
  /** When they came. */
  times: bigint[];
}

/** A network with three ports, a capture of it, and no stacks. */
async function lan(seed = 1): Promise<Lan> {
  const fabric = await Fabric.start({ seed });
  open.push(fabric);
  const network = fabric.addNetwork('lan');
  const ports: VdePort[] = [];
  for (const name of ['a', 'b', 'c']) {
    ports.push(await VdePort.open(await network.addCable(name)));
    open.push(ports.at(-1)!);
  }
  const [comments, times]: [(string | undefined)[], bigint[]] = [[], []];
  open.push({ close: () => capture.stop() });
  const onFrame = (_frame: Buffer, time: bigint, { comment }: FrameFate) => {
    comments.push(comment);
    times.push(time);
  };
  const capture = await network.capture(undefined, { onFrame });
  const [a, b, c] = ports as [VdePort, VdePort, VdePort];
  return { network, fabric, a, b, c, comments, times };
}

async function sayAll(port: VdePort, ...texts: string[]): Promise<void> {
  for (const text of texts) await port.send(greeting(1, text));
}

/** What a port hears up to a text. */
async function heardUntil(port: VdePort, last: string): Promise<string[]> {
  const texts: string[] = [];
  while (texts.at(-1) !== last) texts.push(textOf(await port.recv(WAIT)));
  return texts;
}

describe('on a network, an intercept', () => {
  test('drops the second and third frame of those that match; counts, comments and hits say so', async () => {
    const { network, a, b, c, comments } = await lan();
    const drop = await network.intercept({ from: 'a', payload: 'm' }, 'drop', { after: 1, times: 2 });
    await sayAll(a, 'm0', 'x', 'm1', 'm2', 'm3', 'end');
    for (const port of [b, c]) expect(await heardUntil(port, 'end')).toEqual(['m0', 'x', 'm3', 'end']);
    const [first, second] = [await drop.next(WAIT), await drop.next(WAIT)];
    expect([textOf(first.frame), textOf(second.frame)]).toEqual(['m1', 'm2']);
    expect(first).toMatchObject({ from: 'a', to: 'b', number: 1, comment: 'intercepted: drop (1 of 2)' });
    expect(second.time).toBeGreaterThan(first.time);
    expect(drop.hits).toBe(2);
    await expect(drop.next()).rejects.toMatchObject({
      code: 'ERR_IOTH_FABRIC',
      message: 'intercept: the intercept has ended; its hits: 2',
    });
    // one for each receiver
    expect((await network.stats()).ports.a!.dropped).toMatchObject({ intercepted: 4, loss: 0 });
    await until('the capture has all', () => comments.length === 6);
    const dropped = (n: number) => `to b: intercepted: drop (${n} of 2); to c: intercepted: drop (${n} of 2)`;
    expect(comments).toEqual([undefined, undefined, dropped(1), dropped(2), undefined, undefined]);
    expect((await network.recentFrames()).includes('intercepted: drop (2 of 2)')).toBe(true);
  });

  test('is for the ports that it names', async () => {
    const { network, a, b, c } = await lan();
    await network.intercept({ from: ['a', 'c'], to: 'b' }, 'drop', { times: 2 });
    await sayAll(a, 'for c', 'for c too', 'end');
    await sayAll(c, 'for all');
    expect(await heardUntil(b, 'for all')).toEqual(['end', 'for all']);
    expect(await heardUntil(c, 'end')).toEqual(['for c', 'for c too', 'end']);
    expect(await heardUntil(a, 'for all')).toEqual(['for all']);
  });

  test('delays, duplicates, and flips a bit that the seed chooses', async () => {
    const said = ['slow', 'twice', 'wrong and long, for a bit that another seed does not choose', 'end'] as const;
    const came: string[][] = [];
    for (const seed of [3, 3, 4]) {
      let heard: string[][] = [];
      let total: object = {};
      await until('all come before the slow one is due', async () => {
        const { network, a, b, c, times } = await lan(seed);
        await network.intercept({ payload: 'slow' }, { delay: 1000 }, { times: 1 });
        await network.intercept({ payload: 'twice' }, 'duplicate', { times: 1 });
        await network.intercept({ payload: 'wrong', to: 'b' }, 'corrupt', { times: 1 });
        await sayAll(a, ...said);
        heard = [await heardUntil(b, 'slow'), await heardUntil(c, 'slow')];
        ({ total } = await network.stats());
        await until('the capture has all', () => times.length === said.length);
        for (const each of open.splice(0).reverse()) await each.close();
        return cameWithin(1000, times);
      });
      const [texts = [], others] = heard;
      const [slow, twice, wrong, end] = said;
      expect(others).toEqual([twice, twice, wrong, end, slow]);
      expect(texts).toHaveLength(5);
      expect(texts[2]).not.toBe(wrong);
      expect(total).toMatchObject({ duplicated: 2, corrupted: 1, dropped: { intercepted: 0 } });
      came.push(texts);
    }
    expect(came[1]).toEqual(came[0]);
    expect(came[2]).not.toEqual(came[0]);
  });

  test('counts with "pass", which leaves frames to the next one; of others the first acts', async () => {
    const { network, a, b, comments } = await lan();
    const count = await network.intercept({ payload: 'm' }, 'pass');
    const drop = await network.intercept({ to: 'b', payload: 'm1' }, 'drop');
    const never = await network.intercept({ to: 'b', payload: 'm1' }, 'duplicate');
    await sayAll(a, 'm0', 'm1', 'end');
    expect(await heardUntil(b, 'end')).toEqual(['m0', 'end']);
    expect([count.hits, drop.hits, never.hits]).toEqual([2, 1, 0]);
    await until('the capture has all', () => comments.length === 3);
    expect(comments[1]).toBe('to b: intercepted: pass (2); to b: intercepted: drop (1); to c: intercepted: pass (2)');
  });

  test('acts in its time only, then it ends', async () => {
    const { network, a, b } = await lan();
    await using later = await network.intercept({}, 'drop', { between: [3_000_000, 3_600_000] });
    const soon = await network.intercept({}, 'drop', { between: [0, 1] });
    await expect(soon.next(WAIT)).rejects.toThrow('the intercept has ended; its hits: 0');
    await sayAll(a, 'end');
    expect(await heardUntil(b, 'end')).toEqual(['end']);
    expect(later.hits).toBe(0);
  });

  test('stops when it is told to, and with its network', async () => {
    const { network, fabric, a, b } = await lan();
    {
      await using drop = await network.intercept({ payload: 'm' }, 'drop');
      await sayAll(a, 'm0');
      expect((await drop.next(WAIT)).number).toBe(1);
      const next = drop.next(WAIT);
      await Promise.all([expect(next).rejects.toThrow('has ended'), drop.stop(), drop.stop()]);
    }
    await sayAll(a, 'm1');
    expect(await heardUntil(b, 'm1')).toEqual(['m1']);
    const other = await network.intercept({}, 'drop');
    const next = other.next(WAIT);
    await Promise.all([expect(next).rejects.toThrow('has ended'), fabric.close()]);
    await other.stop();
    await expect(network.intercept({}, 'drop')).rejects.toMatchObject({ code: 'ERR_IOTH_FABRIC' });
  });

  test('has a next() that waits, is aborted, and times out', async () => {
    const { network, a } = await lan();
    const count = await network.intercept({ payload: 'm' }, 'pass');
    await expect(count.next({ timeout: 1 })).rejects.toMatchObject({
      code: 'ETIMEDOUT',
      message: expect.stringContaining('no frame matched within 1 ms; 0 did before'),
    });
    const abort = new AbortController();
    const aborted = count.next({ ...WAIT, signal: abort.signal });
    const [first, second] = [count.next(WAIT), count.next(WAIT)];
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await expect(count.next({ signal: abort.signal })).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await sayAll(a, 'm0', 'm1');
    expect([textOf((await first).frame), textOf((await second).frame)]).toEqual(['m0', 'm1']);
    await expect(count.next({ tiemout: 5 } as object)).rejects.toThrow("without 'tiemout'");
    await expect(count.next({ timeout: -1 })).rejects.toThrow('options.timeout must be');
  });

  test('counts thousands while the program does not look, and keeps the last thousand', async () => {
    const { network, a, b } = await lan();
    const count = await network.intercept({ to: 'b' }, 'pass');
    for (let n = 0; n < 3000; n++) {
      await a.send(greeting(1, `${n}`));
      await b.recv(WAIT);
    }
    expect(count.hits).toBe(3000);
    await network.stats();
    const { number, frame } = await count.next(WAIT);
    expect(textOf(frame)).toBe(`${number - 1}`);
    expect(number).toBeLessThanOrEqual(2001);
  });
});

describe('a predicate', () => {
  test('decides in the thread of the program: whether, what, and another frame', async () => {
    const { network, a, b, c, comments } = await lan();
    const asked: string[] = [];
    const answers: Record<string, unknown> = {
      m0: false,
      m1: true,
      m2: { delay: 1 },
      m3: greeting(1, 'another'),
      m4: Promise.resolve('pass'),
    };
    const where = (frame: Buffer, from: string, to: string) => {
      asked.push(`${textOf(frame)} from ${from} to ${to}`);
      return answers[textOf(frame)] as boolean;
    };
    const intercept = await network.intercept({ from: 'a', payload: 'm', where }, 'drop');
    await sayAll(a, 'm0', 'm1', 'm2', 'm3', 'm4', 'end');
    for (const port of [b, c]) {
      const heard = new Set<string>();
      while (heard.size < 5) heard.add(textOf(await port.recv(WAIT)));
      expect([...heard].sort()).toEqual(['another', 'end', 'm0', 'm2', 'm4']);
    }
    // of each frame once, though two hear it
    expect(asked).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'].map((text) => `${text} from a to b`));
    expect(intercept.hits).toBe(4);
    await until('the capture has all', () => comments.length >= 10);
    const waits = 'to b: intercepted: waits for an answer; to c: intercepted: waits for an answer';
    expect(comments.filter((comment) => comment === waits)).toHaveLength(5);
    expect(comments).toContain('to b: intercepted: drop (1); to c: intercepted: drop (1)');
    expect(comments).toContain('to b: intercepted: replace (3); to c: intercepted: replace (3)');
    expect((await network.stats()).total.dropped.intercepted).toBe(2);
  });

  test('may be all of the match, and its hits are counted', async () => {
    const { network, a, b } = await lan();
    const drop = await network.intercept((frame) => /[02468]$/.test(textOf(frame)), 'drop', { after: 1, times: 2 });
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
      await sayAll(a, `${n}`);
      if ([2, 4].includes(n)) await drop.next(WAIT);
      else await b.recv(WAIT);
    }
    expect(drop.hits).toBe(2);
    await expect(drop.next()).rejects.toThrow('has ended');
  });

  test('leaves what it does not want to the next intercept', async () => {
    const { network, a, b } = await lan();
    const asked = await network.intercept({ payload: 'm', where: () => false }, 'duplicate');
    const drop = await network.intercept({ payload: 'm', to: 'b' }, 'drop', { times: 1 });
    await sayAll(a, 'm0');
    await drop.next(WAIT);
    await sayAll(a, 'm1');
    expect(await heardUntil(b, 'm1')).toEqual(['m1']);
    expect(asked.hits).toBe(0);
  });

  test('that does not answer holds no more than 1024 frames, and stop() lets them go, in order', async () => {
    const { network, a, b } = await lan();
    const hold = await network.intercept({ to: 'b', where: () => new Promise<boolean>(() => {}) }, 'drop');
    for (let n = 0; n < 1030; n++) await a.send(greeting(1, `${n}`), WAIT);
    expect(await heardUntil(b, '1029')).toEqual(['1024', '1025', '1026', '1027', '1028', '1029']);
    await hold.stop();
    expect(await heardUntil(b, '1023')).toEqual(Array.from({ length: 1024 }, (_, n) => `${n}`));
  });

  test('that does not answer holds a frame for a while only', async () => {
    const { network, a, b, comments } = await lan();
    await network.intercept({ to: 'b', where: () => new Promise<boolean>(() => {}) }, 'drop');
    await sayAll(a, 'patient');
    expect(await heardUntil(b, 'patient')).toEqual(['patient']);
    await until('the capture has it', () => comments.length === 2);
    expect(comments[1]).toBe('to b: intercepted: passed: no answer in 10000 ms');
  });

  test('that fails ends the intercept, whose next() and stop() say why', async () => {
    const { network, a, b } = await lan();
    const failing = () => {
      throw new Error('on purpose');
    };
    const intercept = await network.intercept({ payload: 'm', where: failing }, 'drop');
    const next = intercept.next(WAIT);
    await Promise.all([expect(next).rejects.toThrow('on purpose'), sayAll(a, 'm0')]);
    await sayAll(a, 'm1');
    expect(await heardUntil(b, 'm1')).toEqual(['m0', 'm1']);
    await expect(intercept.stop()).rejects.toThrow('on purpose');
    await expect(intercept.next()).rejects.toThrow('on purpose');
    const wrong = await network.intercept((() => 'dorp') as unknown as () => boolean, 'drop');
    await Promise.all([expect(wrong.next(WAIT)).rejects.toThrow("the answer of 'where' must be"), sayAll(a, 'm2')]);
  });
});

test('what it sends on has the faults of its link, also after a delay', async () => {
  const { network, a, b } = await lan();
  await network.set({ loss: 1 }, { to: 'b' });
  const delayed = await network.intercept({ payload: 'm' }, { delay: 1 });
  await sayAll(a, 'm0');
  await delayed.next(WAIT);
  await until('it is lost', async () => (await network.stats()).total.dropped.loss === 1);
  await network.set({});
  await sayAll(a, 'end');
  expect(await heardUntil(b, 'end')).toEqual(['end']);
});

test('what it holds is lost for a port that is unplugged meanwhile', async () => {
  const { network, a, b, c } = await lan();
  await network.intercept({ payload: 'delayed' }, { delay: 1000 });
  let answer: (isHit: boolean) => void = () => {};
  const where = () => new Promise<boolean>((resolve) => (answer = resolve));
  const asked = await network.intercept({ payload: 'asked', where }, 'pass');
  await sayAll(a, 'delayed', 'asked');
  await until('both are held', async () => (await network.stats()).total.received.frames === 2);
  await network.down('b');
  await network.up('b');
  answer(true);
  await asked.next(WAIT);
  const heard = [textOf(await c.recv(WAIT)), textOf(await c.recv(WAIT))];
  expect(heard.sort()).toEqual(['asked', 'delayed']);
  await sayAll(a, 'end');
  expect(await heardUntil(b, 'end')).toEqual(['end']);
  expect((await network.stats()).total.dropped.down).toBe(2);
});

test('a link has it too, by the names of its ends', async () => {
  const { link, a, b, close } = await linkedPorts();
  open.push({ close });
  const drop = await link.intercept({ from: 'a', to: 'b', protocol: TEST_TYPE }, 'drop', { times: 1 });
  for (const n of [1, 2]) await a.send(numbered(n));
  expect(numberOf(await b.recv(WAIT))).toBe(2);
  expect(await drop.next(WAIT)).toMatchObject({ from: 'a', to: 'b', comment: 'intercepted: drop (1 of 1)' });
  expect((await link.stats()).a.dropped.intercepted).toBe(1);
  await expect(link.intercept({ from: 'c' as 'a' }, 'drop')).rejects.toThrow(
    "match.from must be ports of the network: 'a', 'b', not 'c'",
  );
});

describe('in a lab', () => {
  const dual = (n: number) => ({ prefix: `10.0.${n}.0/24`, prefix6: `fd00:0:0:${n}::/64` });

  test('the first two SYNs are lost, and the third one connects', async () => {
    await using lab = await patientLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
    const { alice, bob } = lab.hosts;
    using listener = bob.stack.create_server(':80');
    const accepting = listener.accept();
    const drop = await lab.networks.lan.intercept({ to: 'bob', flags: 'SYN' }, 'drop', { times: 2 });
    const socket = alice.stack.net.connect(80, '10.0.0.2');
    const [[server]] = await Promise.all([accepting, new Promise((done) => socket.once('connect', done))]);
    expect([drop.hits, (await drop.next(WAIT)).from]).toEqual([2, 'alice']);
    expect((await lab.networks.lan.stats()).ports.alice!.dropped.intercepted).toBe(2);
    socket.destroy();
    server.close();
  });

  test('the third datagram to a port is lost', async () => {
    await using lab = await patientLab({ networks: { lan: dual(0) }, hosts: { alice: 'lan', bob: 'lan' } });
    const { alice, bob } = lab.hosts;
    const drop = await lab.networks.lan.intercept({ toPort: 9000 }, 'drop', { after: 2, times: 1 });
    using receiver = bob.stack.socket(AF_INET6, SOCK_DGRAM);
    receiver.bind(['::', 9000]);
    using sender = alice.stack.socket(AF_INET6, SOCK_DGRAM);
    for (let n = 1; n <= 5; n++) await sender.sendto(`${n}`, ['fd00::2', 9000]);
    const heard = [];
    for (let n = 0; n < 4; n++) heard.push(String(await receiver.recv(10)));
    expect(heard).toEqual(['1', '2', '4', '5']);
    expect(drop.hits).toBe(1);
  });

  test('all answers of DNS are lost but those for AAAA', async () => {
    await using lab = await patientLab({
      networks: { lan: dual(0) },
      hosts: { alice: 'lan', bob: 'lan', names: 'lan' },
      dns: 'names',
    });
    const { alice } = lab.hosts;
    const drop = await lab.networks.lan.intercept({ dns: { answer: true }, not: { dns: { type: 'AAAA' } } }, 'drop');
    expect(await alice.stack.dns.promises.resolve6('bob.lab.test')).toEqual(['fd00::2']);
    expect(drop.hits).toBe(0);
    const resolver = new alice.stack.dns.promises.Resolver({ timeout: 1000, tries: 1 });
    await expect(resolver.resolve4('bob.lab.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(await drop.next(WAIT)).toMatchObject({ from: 'names', to: 'alice' });
  });

  test.each([4, 6] as const)(
    '"too big" is lost, and a path over IPv%d is a black hole until it is not',
    async (family) => {
      await using lab = await patientLab({
        networks: { lan: dual(1), wan: dual(2) },
        hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
      });
      const { alice, gate, bob } = lab.hosts;
      gate.stack.linksetmtu('wan', 1300);
      using listener = bob.stack.create_server([family === 4 ? '0.0.0.0' : '::', 80]);
      const hole = await lab.networks.lan.intercept({ icmp: 'too-big' }, 'drop');
      const socket = alice.stack.net.connect(80, bob.address('wan', family));
      const [server] = await listener.accept();
      socket.write(Buffer.alloc(20_000, 1));
      expect(await hole.next(WAIT)).toMatchObject({ from: 'gate', to: 'alice' });
      let came = 0;
      const receiving = (async () => {
        while (came < 20_000) came += (await server.recv(65536)).length;
      })();
      // a second one: what was sent again did not get through either
      await hole.next(WAIT);
      expect(came).toBe(0);
      await hole.stop();
      await receiving;
      socket.destroy();
      server.close();
    },
  );

  test.each(['10.0.0.2', 'fd00::2'])('what is rejected is refused at once: %s', async (address) => {
    await using lab = await patientLab({ networks: { lan: dual(0) }, hosts: { alice: 'lan', bob: 'lan' } });
    const { alice, bob } = lab.hosts;
    using _listener = bob.stack.create_server(':80');
    using receiver = bob.stack.socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM);
    receiver.bind(['', 53]);
    // a SYN whose answer takes a second is sent again
    const tcp = await lab.networks.lan.intercept({ to: 'bob', protocol: 'tcp' }, 'reject', { times: 1 });
    const udp = await lab.networks.lan.intercept({ to: 'bob', protocol: 'udp' }, 'reject');
    const comments: (string | undefined)[] = [];
    const capture = await lab.networks.lan.capture(undefined, {
      onFrame: (_f, _t, { comment }) => comments.push(comment),
    });
    using client = alice.stack.socket(address.includes(':') ? AF_INET6 : AF_INET);
    await expect(client.connect([address, 80])).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    using asking = alice.stack.socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_DGRAM);
    await asking.connect([address, 53]);
    await asking.send('anybody?');
    await expect(asking.recv(100)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect([tcp.hits, udp.hits]).toEqual([1, 1]);
    await capture.stop();
    const made = 'intercepted: made by reject';
    expect(comments.filter((comment) => comment !== undefined)).toEqual([
      'intercepted: reject (1 of 1)',
      made,
      'intercepted: reject (1)',
      made,
    ]);
  });

  test('a connection that is rejected later is reset', async () => {
    await using lab = await patientLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
    const { alice, bob } = lab.hosts;
    using listener = bob.stack.create_server(':80');
    using client = alice.stack.socket();
    const [[server]] = await Promise.all([listener.accept(), client.connect(['10.0.0.2', 80])]);
    await lab.networks.lan.intercept({ from: 'alice', payload: 'secret' }, 'reject');
    await client.sendall('hello');
    expect(String(await server.recv(100))).toBe('hello');
    await client.sendall('secret');
    await expect(client.recv(100)).rejects.toMatchObject({ code: 'ECONNRESET' });
    server.close();
  });

  test('what is corrupted is sent again by TCP, and what is replaced is taken', async () => {
    await using lab = await patientLab({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan', bob: 'lan' } });
    const { alice, bob } = lab.hosts;
    using listener = bob.stack.create_server(':80');
    using client = alice.stack.socket();
    const [[server]] = await Promise.all([listener.accept(), client.connect(['10.0.0.2', 80])]);
    const corrupt = await lab.networks.lan.intercept({ payload: 'through' }, 'corrupt', { times: 2 });
    await client.sendall('through');
    expect(String(await server.recv(100))).toBe('through');
    expect(corrupt.hits).toBe(2);
    server.close();
    using receiver = bob.stack.socket(AF_INET, SOCK_DGRAM);
    receiver.bind(['', 9]);
    const where = (frame: Buffer) => {
      frame.writeUInt16BE(0, 40); // a datagram without a checksum
      frame.write('goose', 42);
      return frame;
    };
    await lab.networks.lan.intercept({ protocol: 'udp', toPort: 9, where }, 'pass');
    using sender = alice.stack.socket(AF_INET, SOCK_DGRAM);
    await sender.sendto('horse', ['10.0.0.2', 9]);
    expect(String(await receiver.recv(100))).toBe('goose');
  });

  test('hosts are named, and the names are checked', async () => {
    await using lab = await patientLab({
      networks: { lan: '10.0.0.0/24', wan: '10.1.0.0/24' },
      hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
    });
    const { wan } = lab.networks;
    await expect(wan.intercept({ from: 'alice' }, 'drop')).rejects.toThrow(
      "match.from must be a host on network 'wan' (gate, bob), not 'alice'",
    );
    await expect(wan.intercept({ to: ['bob', 'carol' as 'bob'] }, 'drop')).rejects.toThrow(
      'match.to must be a host on',
    );
    await expect(wan.intercept(null as never, 'drop')).rejects.toThrow('match must be an object');
    const hit = wan.intercept(
      { fromAddress: '10.0.0.0/24', to: 'bob', where: (_frame, from) => from === 'gate' },
      'pass',
    );
    expect((await lab.hosts.alice.ping('bob', { count: 1, timeout: PATIENCE_MS })).received).toBe(1);
    expect((await (await hit).next(WAIT)).from).toBe('gate');
  });
});
