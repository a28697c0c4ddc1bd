import { FigureLog, figuresFrom, KEPT_SECONDS, type SecondFigures } from '../../../lib/fabric/figures.js';
import { newStats } from '../../../lib/fabric/stats.js';

const station = (name: string) => ({ name, plug: {}, stats: newStats() });
const nothing = { received: { frames: 0, bytes: 0 }, sent: { frames: 0, bytes: 0 }, dropped: 0 };
const durations = (seconds: readonly SecondFigures[]) => seconds.map(({ duration }) => Math.round(duration));

test('figures are what was added in each second', () => {
  const log = new FigureLog();
  const [a, b] = [station('a'), station('b')];
  log.mark(500, []);
  a.stats.received = { frames: 3, bytes: 300 };
  a.stats.dropped.loss = 1;
  a.stats.dropped.cut = 1;
  log.mark(1000, [a]);
  b.stats.sent = { frames: 2, bytes: 200 };
  log.mark(2500, [a, b]);
  const seconds = figuresFrom(log.read(KEPT_SECONDS, [a, b]));
  const first = { ...nothing, received: { frames: 3, bytes: 300 }, dropped: 2 };
  const second = { ...nothing, sent: { frames: 2, bytes: 200 } };
  expect(seconds.map(({ ports, total }) => ({ ports, total }))).toEqual([
    { ports: { a: first, b: nothing }, total: first },
    { ports: { a: nothing, b: second }, total: second },
  ]);
  expect(durations(seconds)).toEqual([500, 1500]);
  expect(figuresFrom(log.read(1, [a, b]))).toEqual(seconds.slice(1));
  // a port that was removed is in the total
  const [removed] = figuresFrom(log.read(1, [a, { name: 'b', plug: undefined }]));
  expect([Object.keys(removed!.ports), removed!.total]).toEqual([['a'], second]);
});

test('the last seconds are kept, also those of a port that came later', () => {
  const log = new FigureLog();
  const [a, b] = [station('a'), station('b')];
  for (let n = 0; n <= 2 * KEPT_SECONDS; n++) {
    a.stats.sent.frames += n;
    if (n > KEPT_SECONDS) b.stats.received.bytes += 1;
    log.mark(n * 1000, n > KEPT_SECONDS ? [a, b] : [a]);
  }
  const seconds = figuresFrom(log.read(KEPT_SECONDS, [a, b]));
  const expected = Array.from({ length: KEPT_SECONDS }, (_, i) => KEPT_SECONDS + 1 + i);
  expect(seconds.map(({ ports }) => ports.a!.sent.frames)).toEqual(expected);
  expect(seconds.every(({ ports }) => ports.b!.received.bytes === 1)).toBe(true);
  expect(new Set(durations(seconds))).toEqual(new Set([1000]));
});

test('a network that is new has no seconds', () => {
  const log = new FigureLog();
  expect(figuresFrom(log.read(KEPT_SECONDS, []))).toEqual([]);
  log.mark(0, []);
  expect(figuresFrom(log.read(KEPT_SECONDS, []))).toEqual([]);
});
