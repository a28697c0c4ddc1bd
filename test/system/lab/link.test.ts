import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DropCounts, Link, type LinkOptions } from 'ioth/lab';
import { VdePort } from 'ioth/vde';
import { run, startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { cameWithin, drain, type LinkedPorts, linkedPorts, numbered, numberOf, transfer } from '../../support/link.js';
import { lasting, PATIENCE_MS, until } from '../../support/until.js';

const WAIT = { timeout: PATIENCE_MS };

const NOTHING: DropCounts = {
  loss: 0,
  queue: 0,
  codel: 0,
  partition: 0,
  cut: 0,
  down: 0,
  full: 0,
  nat: 0,
  firewall: 0,
  intercepted: 0,
};

let ends: LinkedPorts;
const opened: LinkedPorts[] = [];
afterEach(closeAll);

async function closeAll(): Promise<void> {
  for (const each of opened.splice(0)) await each.close();
}

async function open(options?: LinkOptions): Promise<void> {
  ends = await linkedPorts(options);
  opened.push(ends);
}

test('a link without faults brings every frame, both ways, in order and unchanged', async () => {
  await open();
  const frames = await transfer(ends, 2000, 1500);
  expect(frames.map(numberOf)).toEqual(Array.from({ length: 2000 }, (_, n) => n));
  expect(frames.every((frame) => frame.subarray(18).every((byte) => byte === 0x5a))).toBe(true);
  await ends.b.send(numbered(7, 9234));
  const back = await ends.a.recv(WAIT);
  expect([numberOf(back), back.length]).toEqual([7, 9234]);
  const { a, b } = await ends.link.stats();
  expect(a).toMatchObject({ received: { frames: 2000, bytes: 3_000_000 }, sent: { frames: 1, bytes: 9234 } });
  expect(b).toMatchObject({ received: { frames: 1, bytes: 9234 }, sent: { frames: 2000, bytes: 3_000_000 } });
  expect(a.dropped).toEqual(NOTHING);
});

test('an end that leaves and is joined again: a burst meanwhile is lost and counted, later ones arrive', async () => {
  await open();
  const all = Array.from({ length: 500 }, (_, n) => n);
  expect((await transfer(ends, all.length)).map(numberOf)).toEqual(all);
  await ends.b.close();
  for (const n of all) await ends.a.send(numbered(n), WAIT);
  const lost = async () => (await ends.link.stats()).a.dropped.full;
  await until('all are lost', async () => (await lost()) === all.length);
  const { a, b } = await ends.link.stats();
  expect([a.received.frames, b.sent]).toEqual([1000, { frames: 500, bytes: 30_000 }]);
  ends.b = await VdePort.open(`ptp://${ends.directory}/b`);
  await ends.b.send(numbered(7));
  expect(numberOf(await ends.a.recv(WAIT))).toBe(7);
  expect((await transfer(ends, all.length)).map(numberOf)).toEqual(all);
});

test('a receiver that is slow makes the sender wait, and loses nothing', async () => {
  await open();
  let sent = 0;
  // much more than all queues between them hold
  const sending = (async () => {
    for (; sent < 10_000; sent++) await ends.a.send(numbered(sent, 1500), WAIT);
  })();
  let before = -1;
  while (sent !== before) {
    before = sent;
    await delay(100);
  }
  expect(sent).toBeLessThan(10_000);
  const frames: Buffer[] = [];
  while (frames.length < 10_000) frames.push(...(await ends.b.recvBatch(64, WAIT)));
  await sending;
  expect(frames.map(numberOf)).toEqual(Array.from({ length: 10_000 }, (_, n) => n));
});

test('a receiver that is slow does not stop a switch that the link makes: what is too much for it is lost', async () => {
  const dir = temporaryDirectory();
  const link = await Link.create(`switch://${dir}/lan`, `ptp://${dir}/far`);
  const far = await VdePort.open(`ptp://${dir}/far`);
  const [x, y] = [await VdePort.open(`vde://${dir}/lan`), await VdePort.open(`vde://${dir}/lan`)];
  for (let n = 0; n < 3000; n++) await x.send(numbered(n), WAIT);
  await until('y hears x', async () => {
    await x.send(numbered(3000), WAIT);
    return (await drain(y)).some((frame) => numberOf(frame) === 3000);
  });
  await until('the link has lost some', async () => (await link.stats()).a.dropped.full > 0);
  await until('the rest has come', async () => numberOf(await far.recv(WAIT)) >= 1000);
  for (const port of [x, y, far]) await port.close();
  await link.close();
  rmSync(dir, { recursive: true });
});

describe('faults, measured', () => {
  test('loss of 10% is within the bounds of the binomial distribution, and what is lost follows from the seed', async () => {
    const lost: string[] = [];
    for (const seed of [11, 11, 12]) {
      await open({ loss: 0.1, seed });
      const came = new Set((await transfer(ends, 1000)).map(numberOf));
      lost.push(Array.from({ length: 1000 }, (_, n) => (came.has(n) ? '' : n)).join());
      // 99.9%: 3.29 standard deviations of 1000 frames
      expect(Math.abs(came.size - 900)).toBeLessThan(3.29 * Math.sqrt(1000 * 0.1 * 0.9));
      expect((await ends.link.stats()).a.dropped).toEqual({ ...NOTHING, loss: 1000 - came.size });
      await closeAll();
    }
    expect(lost[1]).toBe(lost[0]);
    expect(lost[2]).not.toBe(lost[0]);
  });

  test('each way has faults of its own, and they change while it runs', async () => {
    await open({ aToB: { loss: 1 } });
    await ends.a.send(numbered(1));
    await ends.b.send(numbered(2));
    expect(numberOf(await ends.a.recv(WAIT))).toBe(2);
    await ends.link.set({}, 'aToB');
    await ends.link.set({ loss: 1 }, 'bToA');
    await ends.b.send(numbered(3));
    await ends.a.send(numbered(4));
    expect(numberOf(await ends.b.recv(WAIT))).toBe(4);
    await ends.link.set({});
    await ends.b.send(numbered(5));
    expect(numberOf(await ends.a.recv(WAIT))).toBe(5);
    const { a, b } = await ends.link.stats();
    expect([a.dropped.loss, b.dropped.loss]).toEqual([1, 1]);
  });

  test('duplicates and wrong bits come as often as asked for, and the same frames with the same seed', async () => {
    const heard: Buffer[][] = [];
    for (const _ of [1, 2]) {
      await open({ duplicate: 0.2, corrupt: 0.1, seed: 5 });
      heard.push(await transfer(ends, 500));
      const { duplicated, corrupted } = (await ends.link.stats()).a;
      expect(heard.at(-1)).toHaveLength(500 + duplicated);
      expect(Math.abs(duplicated - 100)).toBeLessThan(3.29 * Math.sqrt(500 * 0.2 * 0.8));
      expect(Math.abs(corrupted - 50)).toBeLessThan(3.29 * Math.sqrt(500 * 0.1 * 0.9));
      await closeAll();
    }
    expect(heard[1]).toEqual(heard[0]);
  });

  test('frames that go at once overtake those that have the delay', async () => {
    let numbers: number[] = [];
    await until('all come before the first one is due', async () => {
      await closeAll();
      await open({ delay: 1000, reorder: 1, gap: 4 });
      const times: bigint[] = [];
      const capture = await ends.link.capture(undefined, { onFrame: (_frame, time) => times.push(time) });
      numbers = (await transfer(ends, 12)).map(numberOf);
      await capture.stop();
      return cameWithin(1000, times);
    });
    expect(numbers).toEqual([3, 7, 11, 0, 1, 2, 4, 5, 6, 8, 9, 10]);
    expect((await ends.link.stats()).a.reordered).toBe(3);
  });

  test('a jitter that keeps the order delays the frames behind a slow one', async () => {
    const config = { delay: 30, jitter: 30, seed: 1 };
    await open(config);
    const free = (await transfer(ends, 300)).map(numberOf);
    expect((await ends.link.stats()).a.reordered).toBeGreaterThan(0);
    expect(free).not.toEqual([...free].sort((one, other) => one - other));
    // a rate keeps the order as well, as in netem
    for (const faults of [{ order: true }, { rate: '1gbit' as const }]) {
      await closeAll();
      await open({ ...config, ...faults });
      expect((await transfer(ends, 300)).map(numberOf)).toEqual(Array.from({ length: 300 }, (_, n) => n));
      expect((await ends.link.stats()).a.reordered).toBe(0);
    }
    await closeAll();
    await open({ ...config, rate: '1gbit', order: false });
    await transfer(ends, 300);
    expect((await ends.link.stats()).a.reordered).toBeGreaterThan(0);
  });

  test('a queue with a limit in time loses what would wait longer', async () => {
    await open({ rate: '100kbit', queue: { ms: 1000 } });
    // a frame takes 80 ms: 12 of them are over in a second
    const numbers = (await transfer(ends, 60, 1000)).map(numberOf);
    expect(numbers.slice(0, 12)).toEqual(Array.from({ length: 12 }, (_, n) => n));
    expect(numbers.length).toBeLessThan(60);
    expect((await ends.link.stats()).a.dropped.queue).toBe(60 - numbers.length);
  });

  test('CoDel drops frames at the head of a queue that stays long, and says so', async () => {
    await open({ rate: '2mbit', queue: 'codel' });
    const comments: (string | undefined)[] = [];
    const capture = await ends.link.capture(undefined, {
      onFrame: (_frame, _time, { comment }) => comments.push(comment),
    });
    // 4 ms each: they wait up to 1.6 s, 100 ms are enough for the first drop
    const numbers = (await transfer(ends, 400, 1000)).map(numberOf);
    await capture.stop();
    const { codel, queue } = (await ends.link.stats()).a.dropped;
    expect([codel > 0, queue, numbers.length]).toEqual([true, 0, 400 - codel]);
    expect(comments.filter((comment) => comment === 'dropped: codel')).toHaveLength(codel);
    // those that are left are in order, and the last one of the burst is never dropped
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    expect(numbers.at(-1)).toBe(399);
  });

  test('what the queue has no room for is lost at its tail', async () => {
    await open({ rate: '100kbit', queue: 5 });
    // one is on the wire for 80 ms
    const numbers = (await transfer(ends, 20, 1000)).map(numberOf);
    expect(numbers.slice(0, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(numbers.length).toBeLessThan(20);
    expect((await ends.link.stats()).a.dropped.queue).toBe(20 - numbers.length);
  });
});

test('the faults that a link was made with come back', async () => {
  await open({ aToB: { loss: 1 } });
  await ends.link.set({});
  await ends.link.set({ loss: 1 }, 'bToA');
  await ends.a.send(numbered(1));
  expect(numberOf(await ends.b.recv(WAIT))).toBe(1);
  await ends.link.reset('bToA');
  await ends.b.send(numbered(2));
  expect(numberOf(await ends.a.recv(WAIT))).toBe(2);
  await ends.link.reset();
  await ends.a.send(numbered(3));
  while ((await ends.link.stats()).a.dropped.loss < 1) await delay(2);
});

test('one direction is cut, or both, until they heal; faults stay', async () => {
  await open({ aToB: { duplicate: 1 } });
  await ends.link.cut({ from: 'a', to: 'b' });
  await ends.a.send(numbered(1));
  await ends.b.send(numbered(2));
  expect(numberOf(await ends.a.recv(WAIT))).toBe(2);
  await until('a is cut off', async () => (await ends.link.stats()).a.dropped.cut === 1);
  await ends.link.heal();
  await ends.a.send(numbered(3));
  expect([numberOf(await ends.b.recv(WAIT)), numberOf(await ends.b.recv(WAIT))]).toEqual([3, 3]);

  await ends.link.cut('a', 'b');
  await ends.link.reset();
  await ends.a.send(numbered(4));
  await ends.b.send(numbered(5));
  await until('both are cut off', async () => {
    const { a, b } = await ends.link.stats();
    return a.dropped.cut === 2 && b.dropped.cut === 1;
  });
  await ends.link.heal();
  await ends.b.send(numbered(6));
  expect(numberOf(await ends.a.recv(WAIT))).toBe(6);
  await expect(ends.link.cut({ from: 'c' as 'a' })).rejects.toThrow(
    "path.from must be ports of the network: 'a', 'b', not 'c'",
  );
  await expect(Reflect.apply(ends.link.cut, ends.link, ['a'])).rejects.toThrow("cut('x', 'y')");
});

test('frames are delayed and forwarded while this thread is busy', async () => {
  const dir = temporaryDirectory();
  const link = await Link.create(`ptp://${dir}/a`, `ptp://${dir}/b`, { aToB: { delay: 4 } });
  const life = startScript('link-ends.ts', [`ptp://${dir}/a`, `ptp://${dir}/b`, 200, `${dir}/done`]);
  await life.line('ready');
  // the other process has its answers though the loop of this one turns once for all of them
  const done = execFileSync('sh', ['-c', `while ! [ -e ${dir}/done ]; do sleep 0.02; done; echo done`], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  });
  expect(done).toBe('done\n');
  await link.close();
  expect(await life.exit).toMatchObject({ code: 0, stderr: '' });
});

test('unplugged, it loses what is under way; plugged in again it goes on', async () => {
  await until('it is unplugged while a frame is under way', async () => {
    await closeAll();
    await open({ delay: 1000 });
    const isUnderWay = lasting(1000);
    await ends.a.send(numbered(1));
    // it was heard: a's next answer comes after it
    while ((await ends.link.stats()).a.received.frames < 1) await delay(5);
    await ends.link.down();
    return isUnderWay();
  });
  await ends.b.send(numbered(2));
  while ((await ends.link.stats()).b.dropped.down < 1) await delay(5);
  while ((await ends.link.stats()).a.dropped.down < 1) await delay(5);
  await ends.link.up();
  await ends.a.send(numbered(3));
  expect(numberOf(await ends.b.recv(WAIT))).toBe(3);
});

describe('captures', () => {
  test('have every frame with its time, and a comment on what was done on purpose', async () => {
    await open({ loss: 0.3, duplicate: 0.3, corrupt: 0.3, seed: 3 });
    const dir = temporaryDirectory();
    const file = join(dir, 'link.pcapng');
    const comments: (string | undefined)[] = [];
    const ways = new Set<string>();
    const capture = await ends.link.capture(file, {
      onFrame(_frame, _time, { from, to, comment }) {
        comments.push(comment);
        ways.add(`${from} to ${to}`);
      },
    });
    await transfer(ends, 100);
    await ends.b.send(numbered(100));
    while ((await ends.link.stats()).b.received.frames < 1) await delay(5);
    await capture.stop();
    await capture.stop();
    expect([capture.frames, capture.bytes, capture.missed]).toEqual([101, 6060, 0]);
    expect([...ways]).toEqual(['a to b', 'b to a']);
    const { dropped, duplicated, corrupted } = (await ends.link.stats()).a;
    const count = (word: string) => comments.slice(0, 100).filter((comment) => comment?.includes(word)).length;
    expect([count('loss'), count('duplicated'), count('corrupted')]).toEqual([dropped.loss, duplicated, corrupted]);
    const { code, stdout } = await run('tcpdump', ['-n', '-tt', '-r', file]);
    const times = stdout
      .split('\n')
      .filter((line) => /^\d/.test(line))
      .map(Number.parseFloat);
    expect([code, times.length]).toEqual([0, 101]);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    // the file system has the same clock, in whole ticks
    expect(times[0]).toBeGreaterThan(statSync(dir).birthtimeMs / 1000 - 1);
    expect(times.at(-1)).toBeLessThan(statSync(file).mtimeMs / 1000 + 1);
    const fields = ['-e', 'frame.interface_name', '-e', 'frame.comment'];
    const read = await run('tshark', ['-n', '-r', file, '-T', 'fields', ...fields]);
    const lines = read.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
    expect(lines).toEqual(comments.map((comment, n) => [n === 100 ? 'b' : 'a', comment ?? '']));
    rmSync(dir, { recursive: true });
  });

  test('go to memory, and the last thousand frames are always there', async () => {
    await open();
    const capture = await ends.link.capture(undefined, { snaplen: 20, filter: (frame) => numberOf(frame) >= 1100 });
    await transfer(ends, 1200);
    await capture.stop();
    expect(capture.frames).toBe(100);
    expect(capture.toBuffer().length).toBeLessThan(100 * 80);
    const recent = await ends.link.recentFrames();
    const { code, stdout } = await run('tcpdump', ['-n', '-t', '-r', '-'], { input: recent as unknown as string });
    expect([code, stdout.match(/ethertype Unknown/g)?.length]).toEqual([0, 1000]);
    const numbers = recent
      .toString('latin1')
      .match(/\x88\xb5\0\0../gs)
      ?.map((text) => Buffer.from(text, 'latin1').readUInt32BE(2));
    expect([numbers?.[0], numbers?.at(-1)]).toEqual([200, 1199]);
  });

  test('end with the link', async () => {
    await open();
    const capture = await ends.link.capture();
    await transfer(ends, 10);
    await ends.link.close();
    await capture.stop();
    expect(capture.frames).toBe(10);
    await expect(ends.link.capture()).rejects.toMatchObject({ code: 'ERR_IOTH_FABRIC' });
  });

  test('report a callback or target that fails, and the link goes on', async () => {
    await open();
    const failing = () => {
      throw new Error('no more');
    };
    const capture = await ends.link.capture(undefined, { filter: failing });
    expect(await transfer(ends, 3)).toHaveLength(3);
    await expect(capture.done).rejects.toThrow('no more');
    await expect(ends.link.capture('/nowhere/x.pcapng')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await transfer(ends, 3)).toHaveLength(3);
  });
});

describe('what makes no sense is refused', () => {
  test.each<[string, unknown[], string]>([
    ['a locator', [1, 'null://'], 'a must be a string'],
    ['an option', ['null://', 'null://', { los: 1 }], "without 'los'"],
    ['a fault', ['null://', 'null://', { loss: 2 }], 'options.loss must be'],
    ['a fault of one way', ['null://', 'null://', { bToA: { delay: 'x' } }], 'options.bToA.delay must be'],
    ['a seed', ['null://', 'null://', { seed: -1 }], 'options.seed must be'],
  ])('%s', async (_what, args, words) => {
    await expect(Reflect.apply(Link.create, Link, args)).rejects.toThrow(words);
  });

  test('a direction', async () => {
    await open();
    await expect(ends.link.set({}, 'abToB' as 'aToB')).rejects.toThrow("'aToB' or 'bToA'");
  });

  test('a network that is not there: nothing is left of the other one', async () => {
    const dir = temporaryDirectory();
    await expect(Link.create(`ptp://${dir}/a`, `vde://${dir}/none`)).rejects.toMatchObject({ syscall: 'vde_open' });
    await open();
    expect(existsSync(join(dir, 'a'))).toBe(false);
    rmSync(dir, { recursive: true });
  });
});
