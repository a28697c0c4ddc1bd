import { Conversation } from '../../../lib/fabric/conversations.js';
import { Decision } from '../../../lib/fabric/decision.js';
import { checkFaults, type LinkFaults } from '../../../lib/fabric/faults.js';
import { FrameRandom, keyOf, philox } from '../../../lib/fabric/philox.js';
import { checkRate } from '../../../lib/fabric/rate.js';
import { RateQueue } from '../../../lib/fabric/rate-queue.js';

const N = 20_000;

/** What happens to the first frames of a direction, with a seed. */
function fates<T>(faults: LinkFaults, seed: number, count: number, look: (decision: Decision) => T): T[] {
  const plan = checkFaults(faults);
  if (!plan) throw new Error('no faults');
  const decision = new Decision(new FrameRandom(seed, 'wan', 'a', 'b'));
  const conversation = new Conversation(0, 0);
  return Array.from({ length: count }, () => {
    decision.make(plan, conversation, 100);
    return look(decision);
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviationOf(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

/** The share of trues is within what the binomial distribution allows in 99.9% of all cases: 3.29 standard deviations. */
function expectShare(outcomes: readonly boolean[], probability: number): void {
  const share = outcomes.filter(Boolean).length / outcomes.length;
  const bound = 3.29 * Math.sqrt((probability * (1 - probability)) / outcomes.length);
  expect(Math.abs(share - probability)).toBeLessThanOrEqual(bound);
}

describe('Philox4x32-10', () => {
  // the known answers of Random123's kat_vectors
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('of the counter %s and the key %s is as published', (counter, key, answer) => {
    const numbers = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));
    const words = Uint32Array.from(numbers(counter));
    const [key0 = 0, key1 = 0] = numbers(key);
    philox(words, key0, key1);
    expect([...words]).toEqual(numbers(answer));
  });

  it('has a key for each list of names, the same for ever', () => {
    expect(keyOf(1, 'ab', 'c')).not.toEqual(keyOf(1, 'a', 'bc'));
    expect(keyOf(1, 'a')).not.toEqual(keyOf(2, 'a'));
    expect(keyOf(7, 'wan', 'alice', 'bob')).toEqual(keyOf(7, 'wan', 'alice', 'bob'));
  });
});

describe('what happens to a frame', () => {
  const all: LinkFaults = { delay: 20, jitter: 5, loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 };
  const look = (decision: Decision) => ({
    lost: decision.isLost,
    twice: decision.isDuplicated,
    bit: decision.corruptBit,
    delay: decision.delay,
  });

  it('follows from the seed and its number, bit by bit', () => {
    const first = fates(all, 42, 1000, look);
    expect(fates(all, 42, 1000, look)).toEqual(first);
    expect(fates(all, 43, 1000, look)).not.toEqual(first);
  });

  it('is the same whatever the other faults are', () => {
    const lost = fates(all, 42, 1000, ({ isLost }) => isLost);
    expect(fates({ loss: 0.1 }, 42, 1000, ({ isLost }) => isLost)).toEqual(lost);
  });

  it('is this, for ever: a seed that failed once shall fail again after an update', () => {
    const text = fates({ loss: 0.2 }, 1, 40, ({ isLost }) => (isLost ? 'x' : '.')).join('');
    expect(text).toMatchInlineSnapshot(`"...............x.....xx...x..x..xx.x...."`);
    const delays = fates({ delay: 20, jitter: 5, distribution: 'normal' }, 1, 3, ({ delay }) => delay);
    expect(delays).toMatchInlineSnapshot(`
[
  16.12812395837604,
  13.14011288239357,
  18.402999253304802,
]
`);
  });

  it.each([0.001, 0.1, 0.5, 1])('has the probability that was asked for: %d', (probability) => {
    expectShare(
      fates({ loss: probability }, 5, N, ({ isLost }) => isLost),
      probability,
    );
    expectShare(
      fates({ duplicate: probability }, 5, N, ({ isDuplicated }) => isDuplicated),
      probability,
    );
    expectShare(
      fates({ corrupt: probability }, 5, N, ({ corruptBit }) => corruptBit >= 0),
      probability,
    );
    expectShare(
      fates({ delay: 9, reorder: probability }, 5, N, ({ goesAtOnce }) => goesAtOnce),
      probability,
    );
  });

  it('is independent of what happened to the one before', () => {
    const lost = fates({ loss: 0.5 }, 9, N, ({ isLost }) => isLost);
    expectShare(
      lost.slice(1).map((isLost, i) => isLost === lost[i]),
      0.5,
    );
  });

  it('corrupts any bit', () => {
    const bits = fates({ corrupt: 1 }, 3, N, ({ corruptBit }) => corruptBit);
    expect(Math.min(...bits)).toBe(0);
    expect(Math.max(...bits)).toBe(799);
    expect(new Set(bits).size).toBe(800);
  });

  it('loses in bursts, as the model of Gilbert and Elliott predicts', () => {
    const [p, r, h, k] = [0.02, 0.2, 0.1, 0.99];
    const lost = fates({ loss: { p, r, h, k } }, 4, N, ({ isLost }) => isLost);
    const expected = (p * (1 - h) + r * (1 - k)) / (p + r);
    // neighbours are alike: a mean of so many varies more than one of independent frames
    const [alike, bad] = [1 - p - r, p / (p + r)];
    const bound = 3.29 * Math.sqrt((bad * (1 - bad) * (1 + alike)) / (1 - alike) / N);
    expect(Math.abs(mean(lost.map(Number)) - expected)).toBeLessThan(bound);
    // with h = 0 and k = 1 a burst of losses is a bad time: 1 / r frames long
    const bursts =
      fates({ loss: { p, r } }, 4, N, ({ isLost }) => (isLost ? 'x' : '.'))
        .join('')
        .match(/x+/g) ?? [];
    const length = mean(bursts.map((burst) => burst.length));
    expect(Math.abs(length - 1 / r)).toBeLessThan((3.29 * Math.sqrt(1 - r)) / r / Math.sqrt(bursts.length));
  });

  it('lets every gap-th frame go at once', () => {
    const atOnce = fates({ delay: 9, reorder: 1, gap: 5 }, 1, 20, ({ goesAtOnce }) => (goesAtOnce ? '!' : '.')).join(
      '',
    );
    expect(atOnce).toBe('....!....!....!....!');
  });
});

describe('delays', () => {
  const delays = (faults: LinkFaults) => fates(faults, 8, N, ({ delay }) => delay);

  it('are uniform from delay - jitter to delay + jitter', () => {
    const values = delays({ delay: 20, jitter: 5 });
    expect(Math.min(...values)).toBeGreaterThanOrEqual(15);
    expect(Math.max(...values)).toBeLessThanOrEqual(25);
    expect(mean(values)).toBeCloseTo(20, 1);
    expect(deviationOf(values)).toBeCloseTo(10 / Math.sqrt(12), 1);
    expectShare(
      values.map((value) => value < 17.5),
      0.25,
    );
  });

  it('are normal with the jitter as their deviation', () => {
    const values = delays({ delay: 50, jitter: 5, distribution: 'normal' });
    expect(mean(values)).toBeCloseTo(50, 1);
    expect(deviationOf(values)).toBeCloseTo(5, 1);
    // the quantiles of the normal distribution
    expectShare(
      values.map((value) => value < 50 - 5 * 1.2815515655),
      0.1,
    );
    expectShare(
      values.map((value) => value < 50 + 5 * 1.6448536269),
      0.95,
    );
    expectShare(
      values.map((value) => value < 50 + 5 * 2.326347874),
      0.99,
    );
    expect(Math.max(...values)).toBeLessThanOrEqual(70);
  });

  it('follow Pareto as netem has it', () => {
    const values = delays({ delay: 50, jitter: 3, distribution: 'pareto' });
    // P(X > x) = x^-3 for the shape 3, in units of 4/3 around the mean of 1.5
    const at = (x: number) => 50 + 3 * (x - 1.5) * (4 / 3);
    for (const x of [1.1, 1.5, 2, 3])
      expectShare(
        values.map((value) => value > at(x)),
        x ** -3,
      );
    expect(Math.min(...values)).toBeGreaterThanOrEqual(at(1));
    expect(Math.max(...values)).toBeLessThanOrEqual(50 + 3 * 4);
  });

  it('are never negative', () => {
    expect(Math.min(...delays({ delay: 1, jitter: 10, distribution: 'normal' }))).toBe(0);
  });
});

describe('the rate', () => {
  const plan = (faults: LinkFaults) => checkFaults(faults)!;

  it('lets each frame go when those before it have gone', () => {
    const queue = new RateQueue();
    // 1250 bytes at 10 Mbit/s take 1 ms
    const limited = plan({ rate: '10mbit' });
    expect([0, 0, 0, 10].map((now) => queue.add(limited, now, 1250))).toEqual([1, 2, 3, 11]);
  });

  it('lets a burst go at once after a pause', () => {
    const queue = new RateQueue();
    const limited = plan({ rate: '10mbit', burst: 2500 });
    expect([100, 100, 100, 100].map((now) => queue.add(limited, now, 1250))).toEqual([100, 100, 101, 102]);
  });

  it('has a queue of frames or of bytes: what comes when it is full is lost', () => {
    const frames = new RateQueue();
    expect([0, 0, 0, 1.5].map((now) => frames.add(plan({ rate: '10mbit', queue: 2 }), now, 1250))).toEqual([
      1, 2, -1, 3,
    ]);
    const bytes = new RateQueue();
    const limited = plan({ rate: '10mbit', queue: { bytes: 2600 } });
    expect([1250, 1250, 1250, 100].map((length) => bytes.add(limited, 0, length))).toEqual([1, 2, -1, 2.08]);
  });

  it('has a queue with a limit in time: the wait before a frame is sent', () => {
    const queue = new RateQueue();
    const limited = plan({ rate: '10mbit', queue: { ms: 2 } });
    expect([0, 0, 0, 0, 1, 9].map((now) => queue.add(limited, now, 1250))).toEqual([1, 2, 3, -1, 4, 10]);
    // an idle link takes any frame
    expect(new RateQueue().add(plan({ rate: '10mbit', queue: { ms: 0 } }), 5, 12_500)).toBe(15);
  });

  it('is given in the units of tc(8)', () => {
    const given = ['1bit', '64kbit', '10mbit', '1.5gbit', '1kibit', '1mbps', '2kibps', 5000];
    const bits = given.map((rate) => checkRate('rate', rate));
    expect(bits).toEqual([1, 64e3, 10e6, 1.5e9, 1024, 8e6, 16384, 5000]);
  });
});

describe('the order of frames', () => {
  it('is kept if that is asked for, and by a rate, as in netem', () => {
    const jitter = { delay: 20, jitter: 5 };
    const isKept = (faults: LinkFaults) => checkFaults({ ...jitter, ...faults })?.order;
    expect([{}, { order: true }, { rate: 1000 }, { rate: 1000, order: false }].map(isKept)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});

describe('a profile', () => {
  const names = ['lan', 'wifi', 'wifi-bad', 'dsl', '3g', '4g', '5g', 'satellite', 'geo-satellite'] as const;

  it.each(names)('%s has faults, and a slower way up or the same', (profile) => {
    const [down, up] = [checkFaults({ profile }), checkFaults({ profile }, 'up', true)];
    expect(down?.delay).toBeGreaterThan(0);
    expect(up?.rate).toBeLessThanOrEqual(down?.rate ?? 0);
    expect({ ...up, rate: 0 }).toEqual({ ...down, rate: 0 });
  });

  it('has the losses that its source has, in bursts', () => {
    const { p, r, h, k } = checkFaults({ profile: '4g' })!.loss!;
    expect([p / (p + r), 1 / r, h, k].map((value) => Number(value.toFixed(9)))).toEqual([0.003, 6, 0, 1]);
  });

  it('gives way to what is named beside it', () => {
    const expected = { ...checkFaults({ profile: '4g' }), delay: 5, loss: undefined };
    expect(checkFaults({ profile: '4g', delay: 5, loss: 0, rate: undefined })).toEqual(expected);
  });
});

describe('what makes no sense is refused with words', () => {
  it.each<[unknown, string]>([
    [{ dealy: 5 }, "'dealy'"],
    [{ delay: '5ms' }, 'faults.delay must be a number of milliseconds'],
    [{ delay: -1 }, 'faults.delay must be from 0 to 3600000 milliseconds'],
    [{ delay: Number.NaN }, 'faults.delay must be from 0'],
    [{ delay: 1, jitter: 1, distribution: 'gauss' }, "'uniform' or 'normal' or 'pareto', not 'gauss'"],
    [{ distribution: 'normal' }, 'faults.distribution must be used with a jitter'],
    [{ loss: 10 }, 'faults.loss must be a probability, from 0 to 1, not 10'],
    [{ loss: '10%' }, 'faults.loss must be a probability'],
    [{ loss: { p: 0.1 } }, 'faults.loss.r must be a probability'],
    [{ loss: { p: 0.1, r: 0.1, q: 1 } }, "without 'q'"],
    [{ reorder: 0.5 }, 'faults.reorder must be used with a delay'],
    [{ delay: 5, gap: 3 }, 'faults.gap must be used with reorder'],
    [{ burst: 100 }, 'faults.burst must be used with a rate'],
    [{ queue: 5 }, 'faults.queue must be used with a rate'],
    [{ rate: '10mb' }, "'10mbit'"],
    [{ rate: 0 }, 'faults.rate must be finite, and at least 1: bits per second'],
    [{ rate: 1e-298 }, 'faults.rate must be finite, and at least 1: bits per second'],
    [{ rate: Number.NaN }, 'faults.rate must be finite, and at least 1: bits per second'],
    [{ rate: Number.POSITIVE_INFINITY }, 'faults.rate must be finite, and at least 1: bits per second'],
    [
      { rate: '0.1bit' },
      "faults.rate must be finite, and at least 1: bits per second, or a number with a unit of tc(8): '10mbit', '64kbit', '1gibit', '2mbps' (bytes), not '0.1bit'",
    ],
    [{ rate: 1, queue: { frame: 1 } }, "without 'frame'"],
    [{ rate: 1, queue: 0 }, 'faults.queue must be an integer from 1'],
    [{ rate: 1, queue: 'red' }, "faults.queue must be 'drop-tail' or 'codel', not 'red'"],
    [{ rate: 1, queue: true }, "faults.queue must be frames, 'codel', or { type, frames, bytes, ms }"],
    [{ rate: 1, queue: { ms: -1 } }, 'faults.queue.ms must be from 0'],
    [{ rate: 1, queue: { target: 5 } }, "faults.queue.target must be used with the type 'codel'"],
    [{ rate: 1, queue: { type: 'codel', interval: 'x' } }, 'faults.queue.interval must be a number of milliseconds'],
    [{ queue: 'codel' }, 'faults.queue must be used with a rate'],
    [{ order: true }, 'faults.order must be used with a jitter'],
    [{ delay: 5, jitter: 5, order: 'yes' }, 'faults.order must be a boolean'],
    [
      { profile: '6g' },
      "faults.profile must be one of lan, wifi, wifi-bad, dsl, 3g, 4g, 5g, satellite, geo-satellite, not '6g'",
    ],
    [{ profile: 'lan', queue: 5 }, 'faults.queue must be used with a rate'],
    [null, 'options must be'],
  ])('%j', (faults, words) => {
    expect(() => checkFaults(faults as LinkFaults)).toThrow(words);
    expect(() => checkFaults(faults as LinkFaults)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
    );
  });
});
