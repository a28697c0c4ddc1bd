/** Random arguments, the same for the same seed. */

/** mulberry32: numbers from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Values {
  readonly random: () => number;
  /** Gets what a callback was called with. */
  readonly #onCallback: (...args: unknown[]) => void;

  constructor(seed: number, onCallback: (...args: unknown[]) => void) {
    this.random = randomOf(seed);
    this.#onCallback = onCallback;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  any(): unknown {
    return this.pick(this.#makers)();
  }

  readonly #makers: (() => unknown)[] = [
    () => undefined,
    () => null,
    () => this.random() < 0.5,
    () => this.pick(NUMBERS),
    () => this.pick(NUMBERS),
    () => this.below(64),
    () => this.below(64),
    () => this.pick([-1n, 0n, 2n ** 64n]),
    () => this.pick(STRINGS),
    () => this.pick(STRINGS),
    () => this.bytes(),
    () => this.bytes(),
    () => this.address(),
    () => this.address(),
    () => this.options(),
    () => this.options(),
    () => this.pick(OBJECTS)(),
    () => Array.from({ length: this.below(4) }, () => this.pick(this.#flat)()),
    () => this.#onCallback,
    () => this.#onCallback,
  ];

  readonly #flat = [() => this.pick(NUMBERS), () => this.pick(STRINGS), () => this.bytes(), () => this.address()];

  /** Bytes in every form, some of them gone. */
  bytes(): unknown {
    const length = this.pick([0, 1, 4, 6, 8, 16, 28, 128, 5000]);
    const buffer = new ArrayBuffer(length);
    new Uint8Array(buffer).forEach((_, i, all) => {
      all[i] = this.below(256);
    });
    const view = this.pick([
      () => Buffer.from(buffer),
      () => new Uint8Array(buffer),
      () => new DataView(buffer),
      () => new Float64Array(buffer.slice(0, length & ~7)),
      () => new Uint8Array(new SharedArrayBuffer(length)),
      () => buffer,
    ])();
    if (this.random() < 0.1) structuredClone(buffer, { transfer: [buffer] });
    return view;
  }

  address(): unknown {
    const [host, port] = [this.pick(HOSTS), this.pick([0, 9, 80, 65535, 65536, -1, '80', undefined])];
    return this.pick<unknown>([
      [host, port],
      [host, port],
      { address: host, port },
      { host, port },
      `${host}:${port}`,
      `[${host}]:${port}`,
      [host, port, 0, this.below(4)],
      { path: '\0fuzz' },
      { ifindex: this.pick([0, 1, 2, 3, 'vde0', 'nosuch']), protocol: 0x800, address: '02:00:00:00:00:01' },
      { pid: 0, groups: this.below(3) },
      [this.any1(), this.any1()],
    ]);
  }

  options(): unknown {
    const controller = new AbortController();
    const life = this.pick([0, 5, 50]);
    return this.pick([
      () => ({}),
      () => ({ signal: controller }),
      () => ({ singal: controller.signal }),
      () => ({ signal: { aborted: false, addEventListener: 1 } }),
      () => ({ signal: AbortSignal.timeout(life) }),
      () => ({ signal: AbortSignal.abort(this.any1()) }),
      () => ({ family: this.pick([0, 4, 6, 'IPv4', 5]), all: this.random() < 0.5, hints: this.below(64) }),
      () => ({ timeout: this.pick(NUMBERS), dad: this.any1() }),
      () => ({ ifname: this.pick(['nosuch', 'vde1', '', 5]), ifindex: this.pick([undefined, 99, -1, 'x']) }),
    ])();
  }

  /** Anything that contains nothing else. */
  any1(): unknown {
    return this.pick<unknown>([undefined, null, true, ...NUMBERS, ...STRINGS, Symbol('fuzz'), {}]);
  }
}

const NUMBERS = [
  -1,
  0,
  1,
  2,
  3,
  4,
  10,
  17,
  64,
  0x40,
  255,
  1000,
  // MSG_ERRQUEUE
  0x2000,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 53,
  -(2 ** 31),
  0.5,
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];

const HOSTS = [
  '10.0.0.1',
  '10.0.0.2',
  '10.0.0.77',
  '127.0.0.1',
  'fd00::1',
  'fe80::1',
  'fe80::1%vde0',
  '::',
  '',
  'host',
];

// nothing in them may lead out of the test's own network
const STRINGS = [
  ...HOSTS,
  '10.0.0.300',
  'host.example',
  'a\0b',
  '\0fuzz',
  '\ud800',
  'x'.repeat(300),
  'localhost',
  'vde0',
  'lo',
  'nosuch',
  '02:00:00:00:00:01',
  '80',
  'http',
  'A',
  'hosts',
  'vdestack',
  'stack=vdestack',
  'stack=nosuch,vnl=null://',
  'vde:///nonexistent/sw',
  'null://',
  'eth',
  'ip=10.0.0.9/24',
  'dhcp,eth',
  'ip=10.0.0.300/24',
  'nameserver 10.0.0.2',
  '10.0.0.22/24',
  '10.8.0.0/24 dev vde0 metric 5',
  '/nonexistent/file',
  '2001:db8::',
];

const OBJECTS: (() => unknown)[] = [
  () => ({}),
  () => Object.create(null),
  () => new Date(0),
  () => new Map(),
  () => /x/,
  () => new Error('fuzz'),
  () => Symbol('fuzz'),
  () => Promise.resolve(1),
  () => new URL('file:///nonexistent/file'),
  () => new URL('http://host.example/'),
  () => new Proxy({}, {}),
  () => new AbortController().signal,
  () => new Array(3),
  () => ({ stack: 'vdestack', vnl: 5 }),
  () => ({ length: -1 }),
  () => ({ host: 'host', port: 80, address: 5 }),
];
