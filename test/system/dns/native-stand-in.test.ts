import { getEventListeners } from 'node:events';
import { AF_INET, AI_CANONNAME, NI_NUMERICSERV, SOCK_STREAM, Stack } from 'ioth';
import { nameSources } from '../../../lib/dns/name-sources.js';
import { NativeProvider } from '../../../lib/dns/native.js';
import { NativeQueue } from '../../../lib/dns/native-queue.js';
import { NameSettings } from '../../../lib/dns/settings.js';
import { StubResolver } from '../../../lib/dns/stub-resolver.js';
import { LibiothdnsStandIn } from '../../support/libiothdns-stand-in.js';

/** What is around libiothdns: queue, abort, checks. The library itself is tested in provider.test.ts, where it is there. */

let stack: Stack;
let library: LibiothdnsStandIn;
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
  library = new LibiothdnsStandIn();
});
afterEach(() => stack.closeSync());

function provider(on: Stack = stack, settings = new NameSettings('10.5.0.1'), calls?: NativeQueue): NativeProvider {
  const stub = new StubResolver(on, () => settings.conf);
  return new NativeProvider(on, settings, nameSources(on, settings, stub), library, calls);
}

test('looks names, addresses and ports up', async () => {
  const native = provider();
  const [info] = await native.getaddrinfo('a.test', 80, { family: AF_INET, type: SOCK_STREAM });
  expect(info?.sockaddr).toEqual({ family: 'IPv4', address: '10.5.0.9', port: 80 });
  await expect(native.getaddrinfo('b.test', 80, {})).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(await native.getnameinfo(['10.5.0.9', 80], NI_NUMERICSERV, {})).toEqual(['a.test', '80']);
  expect(await native.addresses('a.test', 'A', {})).toEqual(['10.5.0.9']);
  await native.close();
  expect(library.open).toBe(0);
});

test('a list of results is read to its end and freed once', async () => {
  const native = provider();
  const hints = { family: AF_INET, type: SOCK_STREAM, flags: AI_CANONNAME };
  const [info, ...more] = await native.getaddrinfo('www.test', 80, hints);
  expect(info).toMatchObject({ canonname: 'a.test', sockaddr: { address: '10.5.0.9' } });
  expect([more.length, library.freed]).toEqual([0, 1]);
  await native.close();
});

test('what C says of a name without an address, and what it is not asked', async () => {
  const native = provider();
  await expect(native.addresses('b.test', 'A', {})).rejects.toMatchObject({ code: 'ENOTFOUND', syscall: 'queryA' });
  await expect(native.addresses('a.test', 'AAAA', {})).rejects.toMatchObject({ code: 'ENODATA' });
  const { calls } = library;
  await expect(native.addresses('a..test', 'A', {})).rejects.toMatchObject({ code: 'EBADNAME' });
  expect(library.calls).toBe(calls);
  // the number given back is no name
  expect(await native.getnameinfo(['10.5.0.1', 80], NI_NUMERICSERV, {})).toEqual(['10.5.0.1', '80']);
  await native.close();
});

test('a changed configuration reaches C before the next call', async () => {
  const settings = new NameSettings('nameserver 10.5.0.1\nsearch a.org\n');
  const native = provider(stack, settings);
  await native.addresses('a.test', 'A', {});
  await native.addresses('a.test', 'A', {});
  settings.update('10.5.0.2,fd05::2');
  settings.setPath('hosts', '/tmp/hosts');
  native.settingsChanged();
  await native.addresses('a.test', 'A', {});
  expect(library.configs).toEqual(['nameserver 10.5.0.1\n\0', 'nameserver 10.5.0.2\nnameserver fd05::2\n\0']);
  expect(library.paths).toEqual(['/etc/hosts', '/tmp/hosts']);
  await native.close();
});

test('without memory in C a look-up fails', async () => {
  library.hasMemory = false;
  const native = provider();
  const failed = { code: 'ETIMEOUT', cause: expect.objectContaining({ code: 'ENOMEM' }) };
  await expect(native.addresses('a.test', 'A', {})).rejects.toMatchObject(failed);
  await native.close();
  expect(library.open).toBe(0);
});

test('closing at once is refused while C runs, and leaves a C that hangs what it has', async () => {
  const calls = new NativeQueue(stack, 20);
  const native = provider(stack, undefined, calls);
  library.pause = 60;
  const looking = native.addresses('a.test', 'A', {});
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(() => native.closeSync()).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  await expect(looking).rejects.toMatchObject({ code: 'ETIMEOUT' });
  await expect(native.addresses('a.test', 'A', {})).rejects.toMatchObject({ code: 'ETIMEOUT' });
  native.closeSync();
  await native.close();
  expect([library.calls, library.open]).toEqual([1, 1]);
  await new Promise((resolve) => setTimeout(resolve, 60));
});

test('a signal is listened to only while a look-up waits', async () => {
  const native = provider();
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) {
    await native.getaddrinfo('a.test', 80, { family: AF_INET, signal });
    await native.addresses('a.test', 'A', { signal });
    await native.addresses('b.test', 'A', { signal }).catch(() => {});
    await native.getnameinfo(['10.5.0.9', 80], 0, { signal });
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await native.close();
});

test('an abort ends the wait; a look-up behind it that was aborted is not made', async () => {
  const native = provider();
  library.pause = 50;
  const controller = new AbortController();
  const { signal } = controller;
  const first = native.addresses('a.test', 'A', { signal });
  const second = native.addresses('a.test', 'A', { signal });
  setTimeout(() => controller.abort(), 10);
  await expect(first).rejects.toMatchObject({ code: 'ABORT_ERR' });
  await expect(second).rejects.toMatchObject({ code: 'ABORT_ERR' });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await expect(native.addresses('a.test', 'A', { signal })).rejects.toMatchObject({ code: 'ABORT_ERR' });
  await native.close();
  expect(library.calls).toBe(1);
});

test.each([[null], [undefined], ['10.5.0.9'], [{}], [[]], [{ address: 5, port: 80 }]])(
  'getnameinfo of %p rejects with a code',
  async (address) => {
    const native = provider();
    const looking = native.getnameinfo(address as never, 0, {});
    await expect(looking).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    await native.close();
  },
);

test('more look-ups at once than koffi takes are queued', async () => {
  const providers = Array.from({ length: 300 }, () => provider());
  library.pause = 5;
  const found = await Promise.all(providers.map((native) => native.addresses('a.test', 'A', {})));
  expect(found).toEqual(new Array(300).fill(['10.5.0.9']));
  expect(library.most).toBeLessThanOrEqual(64);
  await Promise.all(providers.map((native) => native.close()));
});

test('one that waits for a thread while the stack is closed is not made', async () => {
  const other = new Stack('vdestack', 'null://');
  const busy = Array.from({ length: 80 }, () => provider());
  library.pause = 20;
  const before = busy.map((native) => native.addresses('a.test', 'A', {}));
  const native = provider(other);
  const late = native.addresses('a.test', 'A', {});
  // lets it come as far as the queue
  await new Promise(setImmediate);
  other.closeSync();
  await expect(late).rejects.toMatchObject({ code: 'ECANCELLED' });
  await Promise.all(before);
  expect(library.calls).toBe(80);
  await Promise.all(busy.map((one) => one.close()));
});
