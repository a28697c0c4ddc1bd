import { CodelQueue, type WaitingFrame } from '../../../lib/fabric/codel-queue.js';
import { DueHeap } from '../../../lib/fabric/due-heap.js';
import { checkFaults, type LinkFaults } from '../../../lib/fabric/faults.js';
import { FrameStore } from '../../../lib/vde/frame-store.js';

interface Numbered extends WaitingFrame {
  readonly n: number;
}

const BYTES = Buffer.alloc(1250);

/** A queue whose clock is this test's: frames come when they are told to, and the heap runs up to a time. */
class Bench {
  readonly left: { n: number; at: number }[] = [];
  readonly dropped: number[] = [];
  readonly full: number[] = [];
  readonly #heap = new DueHeap();
  readonly #store = new FrameStore();
  readonly #plan;
  readonly #queue = new CodelQueue<Numbered>(
    this.#heap,
    ({ n }, at) => this.left.push({ n, at }),
    ({ n }) => this.dropped.push(n),
  );
  #count = 0;

  constructor(faults: LinkFaults) {
    this.#plan = checkFaults(faults)!;
  }

  /** One more frame comes. */
  add(now: number, length = BYTES.length): void {
    this.runTo(now);
    const n = this.#count++;
    const frame = this.#queue.hasRoom(this.#plan, now, length) && this.#store.store(BYTES, length);
    if (frame) this.#queue.add({ frame, plan: this.#plan, arrived: now, n });
    else this.full.push(n);
  }

  runTo(now: number): void {
    while (this.#heap.nextDue <= now) {
      const entry = this.#heap.take()!;
      entry.destination.arrive(entry.frame, entry.due);
      this.#store.release(entry.frame);
      this.#heap.free(entry);
    }
  }
}

// 1250 bytes take 1 ms
const RATE = { rate: '10mbit' } as const;

it('sends frames at the rate, in order', () => {
  const bench = new Bench({ ...RATE, queue: 'codel' });
  for (const now of [10, 10, 10.5, 20]) bench.add(now);
  bench.runTo(100);
  expect(bench.left).toEqual([
    { n: 0, at: 11 },
    { n: 1, at: 12 },
    { n: 2, at: 13 },
    { n: 3, at: 21 },
  ]);
});

it('lets a burst go at once after a pause', () => {
  const bench = new Bench({ ...RATE, burst: 2500, queue: 'codel' });
  for (let i = 0; i < 4; i++) bench.add(100);
  bench.runTo(200);
  expect(bench.left.map(({ at }) => at)).toEqual([100, 100, 101, 102]);
});

it('drops nothing while the wait is below its target, or not above it for a whole interval', () => {
  const bench = new Bench({ ...RATE, queue: 'codel' });
  // a queue of 4 ms that stays
  for (let now = 1; now <= 4; now++) bench.add(1);
  for (let now = 2; now < 1000; now++) bench.add(now);
  // one of 90 ms that goes away
  for (let i = 0; i < 90; i++) bench.add(2000);
  bench.runTo(3000);
  expect(bench.dropped).toEqual([]);
});

it('drops by the square root of its count while the wait is too long: RFC 8289, section 5', () => {
  const bench = new Bench({ ...RATE, queue: { type: 'codel', frames: 10_000 } });
  // at twice the rate
  for (let now = 1; now < 601; now += 0.5) bench.add(now);
  const at = (n: number) => bench.left.findLast((frame) => frame.n < n)!.at;
  const times = bench.dropped.map(at);
  // the wait is above 5 ms from some 10 ms on, the first drop is 100 ms later, and the second 100 ms after that
  expect(Math.abs(times[0]! - 111)).toBeLessThanOrEqual(2);
  for (let count = 1; count < times.length; count++) {
    expect(Math.abs(times[count]! - times[count - 1]! - 100 / Math.sqrt(count))).toBeLessThanOrEqual(2);
  }
  expect(times.length).toBeGreaterThanOrEqual(8);
});

it('begins again at the rate of drops that it had, if the wait is soon too long again', () => {
  const bench = new Bench({ ...RATE, queue: { type: 'codel', frames: 10_000 } });
  for (let now = 1; now < 601; now += 0.5) bench.add(now);
  const before = bench.dropped.length;
  bench.runTo(2000);
  const inBetween = bench.dropped.length;
  for (let now = 2000; now < 2180; now += 0.5) bench.add(now);
  const again = bench.dropped.slice(inBetween).length;
  // a queue without that past drops once or twice in this time
  const fresh = new Bench({ ...RATE, queue: { type: 'codel', frames: 10_000 } });
  for (let now = 2000; now < 2180; now += 0.5) fresh.add(now);
  expect(inBetween).toBeGreaterThan(before);
  expect(again).toBeGreaterThan(fresh.dropped.length);
});

it('has limits of frames, bytes and time as well', () => {
  const frames = new Bench({ ...RATE, queue: { type: 'codel', frames: 2 } });
  for (const now of [1, 1, 1, 2]) frames.add(now);
  expect(frames.full).toEqual([2]);
  const bytes = new Bench({ ...RATE, queue: { type: 'codel', bytes: 2600 } });
  for (const length of [1250, 1250, 1250, 100]) bytes.add(1, length);
  expect(bytes.full).toEqual([2]);
  const time = new Bench({ ...RATE, queue: { type: 'codel', ms: 2 } });
  for (let i = 0; i < 5; i++) time.add(1);
  expect(time.full).toEqual([3, 4]);
  expect(checkFaults({ ...RATE, queue: 'codel' })?.queue.frames).toBe(1000);
});

it('drops the same frames each time', () => {
  const run = () => {
    const bench = new Bench({ ...RATE, queue: { type: 'codel', target: 2, interval: 20 } });
    for (let now = 1; now < 300; now += 0.5) bench.add(now, 600 + (Math.round(now * 7) % 650));
    bench.runTo(1000);
    return { left: bench.left, dropped: bench.dropped };
  };
  expect(run().dropped.length).toBeGreaterThan(3);
  expect(run()).toEqual(run());
});
