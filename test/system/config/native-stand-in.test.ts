import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { IOTHCONF_DHCP, IOTHCONF_ETH, Stack } from 'ioth';
import koffi from 'koffi';
import type { Libiothconf } from '../../../ffi/iothconf.js';
import { parseConfig } from '../../../lib/config/index.js';
import { NativeConfig } from '../../../lib/config/native.js';
import type { NetworkSettings } from '../../../lib/dns/settings.js';

/**
 * LIBIOTHCONF STAND-IN: the object that ffi gives of the library. Each call takes `pause` milliseconds, configures nothing,
 * and returns `mask`, or -1 with errno `failure`.
 */
class LibiothconfStandIn implements Libiothconf {
  pause = 1;
  mask = 2;
  failure = 0;
  /** What ioth_resolvconf returns next. */
  names: string | null = '';
  running = 0;
  most = 0;
  /** What it was called with. */
  readonly strings: string[] = [];

  config(_stack: bigint, config: string): number {
    this.strings.push(config);
    koffi.errno(this.failure);
    return this.failure ? -1 : this.mask;
  }
  config_async(stack: bigint, config: string, callback: (error: Error | null, result: number) => void): void {
    this.most = Math.max(this.most, ++this.running);
    setTimeout(() => {
      this.running--;
      callback(null, this.config(stack, config));
    }, this.pause);
  }
  resolvconf(): string | null {
    koffi.errno(this.failure);
    return this.names;
  }
}

let stack: Stack;
let library: LibiothconfStandIn;
let changes: [number, NetworkSettings][];
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
  library = new LibiothconfStandIn();
  changes = [];
});
afterEach(() => stack.closeSync());

const eth = parseConfig('eth');
const config = (on: Stack = stack) => {
  const onChange = (ifindex: number, settings: NetworkSettings) => changes.push([ifindex, settings]);
  return new NativeConfig(on, { onLease: () => {}, onChange }, library);
};

test('more calls at once than koffi takes are queued, and their time begins with them', async () => {
  // three at once: the last begins after 3.4 s, and 3 s is what each has
  library.pause = 40;
  const calls = Array.from({ length: 260 }, () => config().apply(eth, { timeout: 1 }));
  expect(new Set((await Promise.all(calls)).map(({ done }) => done))).toEqual(new Set([2]));
  expect(library.most).toBeLessThanOrEqual(64);
});

test('a signal is listened to only while a call waits', async () => {
  const { signal } = new AbortController();
  const native = config();
  for (let i = 0; i < 5; i++) await native.apply(eth, { timeout: 100, signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an abort ends the wait, and a call behind it that was aborted is not made', async () => {
  library.pause = 50;
  const native = config();
  const signal = AbortSignal.timeout(10);
  const calls = [native.apply(eth, { timeout: 100, signal }), native.apply(eth, { timeout: 100, signal })];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'ABORT_ERR' });
  await delay(60);
  expect(library.strings).toHaveLength(1);
});

test('one that waits for a thread while the stack is closed is not made', async () => {
  library.pause = 20;
  const other = new Stack('vdestack', 'null://');
  const busy = Array.from({ length: 80 }, () => config().apply(eth, { timeout: 1000 }));
  const late = config(other).apply(eth, { timeout: 1000 });
  await new Promise(setImmediate);
  other.closeSync();
  await expect(late).rejects.toMatchObject({ code: 'EBADF', syscall: 'ioth_config' });
  await Promise.all(busy);
  expect(library.strings).toHaveLength(80);
});

describe('what C is called with', () => {
  const ifindex = () => stack.if_nametoindex('vde0');
  const options = { timeout: 100 };

  test.each([
    ['eth', 'eth'],
    ['auto,slaac,debug', 'eth,rd,dhcp6,dhcp,slaac,debug'],
    ['ip=10.0.0.9,-gw=FD00::1,dns=10.0.0.1,-domain=a.org', 'ip=10.0.0.9/24,-gw=fd00::1,dns=10.0.0.1,-domain=a.org'],
    ['fqdn=a.org,macaddr=2-0-0-0-0-1,eth', 'fqdn=a.org,mac=02:00:00:00:00:01,eth'],
    ['-all,-static,dhcp', '-static,-eth,-rd,-dhcp6,-dhcp,dhcp'],
  ])('%s', async (text, expected) => {
    await config().apply(parseConfig(text), options);
    expect(library.strings).toEqual([`ifindex=${ifindex()},${expected}`]);
  });

  test('a new stack: what needs no other host at once, then the protocols alone', async () => {
    const native = config();
    const request = parseConfig('-dhcp,eth,ip=10.0.0.9/24,rd,slaac');
    native.applyNow(request);
    await native.applyNetwork(request, options);
    const prefix = `ifindex=${ifindex()}`;
    expect(library.strings).toEqual([`${prefix},-dhcp,eth,ip=10.0.0.9/24`, `${prefix},rd,slaac`]);
  });

  test('nothing, where nothing is asked for', async () => {
    const native = config();
    expect(await native.apply(parseConfig('iface=vde0'), options)).toEqual({ done: 0, failures: [] });
    expect(native.applyNow(parseConfig('rd'))).toEqual({ done: 0, failures: [] });
    await native.close();
    expect(library.strings).toEqual([]);
  });

  test.each(['close', 'closeSync'] as const)('%s takes all of it away but the link, once', async (close) => {
    const native = config();
    await native.apply(parseConfig('eth,ip=10.0.0.9/24'), options);
    native.applyNow(parseConfig('eth'));
    await native.apply(parseConfig('dhcp'), options);
    library.strings.length = 0;
    await native[close]();
    await native[close]();
    expect(library.strings).toEqual([`ifindex=${ifindex()},-static,-dhcp`]);
  });

  test('closeSync leaves a call that runs alone', async () => {
    library.pause = 100;
    const native = config();
    const running = native.apply(parseConfig('dhcp'), options);
    await new Promise(setImmediate);
    native.closeSync();
    await running;
    expect(library.strings).toHaveLength(1);
  });
});

describe('what C returns', () => {
  test('the protocols that are not in its mask had no answer', async () => {
    library.mask = IOTHCONF_ETH | IOTHCONF_DHCP;
    const { done, failures } = await config().apply(parseConfig('auto'), { timeout: 100 });
    expect(done).toBe(library.mask);
    expect(failures).toMatchObject([
      { code: 'ETIMEDOUT', syscall: 'rd' },
      { code: 'ETIMEDOUT', syscall: 'dhcp6' },
    ]);
  });

  test('errno is the error of a call, on a thread or not', async () => {
    library.failure = 19;
    const failure = { code: 'ENODEV', syscall: 'ioth_config' };
    await expect(config().apply(eth, { timeout: 100 })).rejects.toMatchObject(failure);
    expect(() => config().applyNow(eth)).toThrow(expect.objectContaining(failure));
    expect(() => config().closeSync()).not.toThrow();
  });

  test('names that change are reported as a value, and returned once as text', async () => {
    const native = config();
    const vde0 = parseConfig('', 'resolvconf');
    const ifindex = stack.if_nametoindex('vde0');
    library.names = 'search a.org b.org\nnameserver fd00::1\nnameserver fe80::1%vde0\n';
    native.applyNow(eth);
    const settings = { servers: ['fd00::1', 'fe80::1%vde0'], search: ['a.org', 'b.org'] };
    // C says each change once
    const text = library.names;
    library.names = null;
    await native.apply(eth, { timeout: 100 });
    expect(changes).toEqual([
      [ifindex, settings],
      [ifindex, settings],
    ]);
    expect(native.resolvconf(vde0)).toBe(text);
    expect(native.resolvconf(vde0)).toBeNull();
  });

  test('an error of ioth_resolvconf', () => {
    library.names = null;
    const native = config();
    library.config = () => {
      library.failure = 19;
      return 2;
    };
    expect(() => native.applyNow(eth)).toThrow(expect.objectContaining({ code: 'ENODEV', syscall: 'ioth_resolvconf' }));
  });
});

test.each(['dhcp,noroutes', 'dhcp,nonames', 'dns=fe80::1%vde0', '-dns=fe80::1%vde0'])(
  '%s, which libiothconf would pass over, is refused',
  async (text) => {
    await expect(config().apply(parseConfig(text), { timeout: 1000 })).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: expect.stringContaining('use the builtin provider'),
    });
    expect(library.strings).toEqual([]);
  },
);
