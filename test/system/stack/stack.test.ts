import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { AF_INET, get_defstack, SOCK_DGRAM, Stack, set_defstack, set_license } from 'ioth';
import { runText } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { useNetwork } from '../../support/network.js';
import { children } from '../../support/processes.js';
import { listenOn, udpOn } from '../../support/sockets.js';

const net = useNetwork(1);

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

describe('a stack joins', () => {
  test.each([undefined, null, []])('no network: %p', async (vnl) => {
    await using stack = new Stack('vdestack', vnl);
    expect(stack).toMatchObject({ name: 'vdestack', vnl: [], closed: false });
    expect(stack.if_nameindex()).toEqual([[1, 'lo']]);
    stack.linksetupdown(1, true);
    const [socket, address] = udpOn(stack, '127.0.0.1');
    await socket.sendto('to myself', address);
    expect((await socket.recv(100)).toString()).toBe('to myself');
  });

  test('one network', async () => {
    await using stack = new Stack('vdestack', net.vnl);
    expect(stack.vnl).toEqual([net.vnl]);
    expect(stack.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'vde0']);
    expect(stack.if_indextoname(stack.if_nametoindex('vde0'))).toBe('vde0');
  });

  test('several networks, with the names that it gives them', async () => {
    await using stack = new Stack('vdestack', [net.vnl, `left:${net.vnl}`, 'null://', 'r-1.x:null://']);
    expect(stack.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'vde0', 'left', 'vde2', 'r-1.x']);
    const left = stack.if_nametoindex('left');
    stack.linksetupdown(left, true);
    stack.ipaddr_add(AF_INET, '10.0.0.50', 24, left);
    const socket = stack.socket(AF_INET, SOCK_DGRAM);
    const [other, address] = udpOn(net.stacks[0] as Stack, '10.0.0.1');
    await socket.sendto('through left', address);
    expect((await other.recvfrom(100))[1].address).toBe('10.0.0.50');
    other.close();
  });

  test('what its arguments say by name, one set of names for both forms', async () => {
    const named = { stack: 'vdestack', vnl: net.vnl, config_dns: '10.0.0.53', dns: 'builtin', timeout: 100 } as const;
    await using stack = new Stack(named);
    await using same = await Stack.create('vdestack', net.vnl, '10.0.0.53', { dns: 'builtin', timeout: 100 });
    for (const each of [stack, same]) {
      expect([each.name, each.vnl, each.dns.getServers()]).toEqual(['vdestack', [net.vnl], ['10.0.0.53']]);
    }
    const wrong = expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining("'vln'") });
    expect(() => new Stack({ stack: 'vdestack', vln: net.vnl } as never)).toThrow(wrong);
    expect(() => new Stack('vdestack', net.vnl, null, { vln: net.vnl } as never)).toThrow(wrong);
    expect(() => new Stack({ vnl: net.vnl } as never)).toThrow('stack must be a string');
  });

  test("the host's network, as the kernel stack", async () => {
    await using stack = new Stack('kernel');
    expect(stack.daemonPid).toBeUndefined();
    expect(stack.interfaces().find(({ name }) => name === 'lo')).toMatchObject({ ifindex: 1, up: true });
    expect(() => new Stack('kernel', net.vnl)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining("'kernel'") }),
    );
  });
});

test('two stacks are two networks: both have the same address and port', async () => {
  await using one = new Stack('vdestack');
  await using two = new Stack('vdestack');
  for (const stack of [one, two]) {
    stack.linksetupdown(1, true);
    const socket = stack.socket(AF_INET, SOCK_DGRAM);
    socket.bind(['127.0.0.1', 7777]);
    expect(socket.getsockname().port).toBe(7777);
  }
});

test('a vdestack has a daemon of its own, in a namespace of its own', async () => {
  const stack = new Stack('vdestack');
  expect(children()).toContain(stack.daemonPid);
  expect(existsSync(`/proc/${stack.daemonPid}/ns/net`)).toBe(true);
  await stack.close();
  expect(children()).not.toContain(stack.daemonPid);
});

test('Stack.create makes and waits, from arguments or options', async () => {
  await using one = await Stack.create('vdestack', ['null://', 'null://']);
  await using two = await Stack.create({ stack: 'vdestack', vnl: 'x:null://' });
  await expect(one.ready).resolves.toBeUndefined();
  expect(two.if_nametoindex('x')).toBe(2);
  await expect(Stack.create(null as unknown as string)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(Stack.create('nosuchstack')).rejects.toMatchObject({ code: 'ENOTSUP' });
});

test.each<[string, unknown[], string]>([
  ['no plugin', [undefined], 'ERR_INVALID_ARG_TYPE'],
  ['an empty plugin', [''], 'ERR_INVALID_ARG_VALUE'],
  ['a path', ['../kernel'], 'ERR_INVALID_ARG_VALUE'],
  ['a NUL', ['kernel\0'], 'ERR_INVALID_ARG_VALUE'],
  ['a name longer than C keeps', ['x'.repeat(200)], 'ERR_INVALID_ARG_VALUE'],
  ['a vnl that is a number', ['vdestack', 5], 'ERR_INVALID_ARG_TYPE'],
  ['an empty vnl', ['vdestack', ['']], 'ERR_INVALID_ARG_VALUE'],
  ['a list of holes', ['vdestack', new Array(3)], 'ERR_INVALID_ARG_TYPE'],
  ['only an interface name', ['vdestack', 'left:'], 'ERR_INVALID_ARG_VALUE'],
  ['a long interface name', ['vdestack', `${'x'.repeat(16)}:null://`], 'ERR_INVALID_ARG_VALUE'],
  ['a NUL in a vnl', ['vdestack', 'null://\0'], 'ERR_INVALID_ARG_VALUE'],
])('refuses %s', (_what, args, code) => {
  expect(() => new Stack(...(args as [string]))).toThrow(expect.objectContaining({ code }));
});

describe('closing', () => {
  test('is announced once, and may be repeated', async () => {
    const stack = new Stack('vdestack');
    let closings = 0;
    stack.on('close', () => closings++);
    const closed = once(stack, 'close');
    const closing = stack.close();
    expect(stack.closed).toBe(true);
    expect(stack.close()).toBe(closing);
    stack.closeSync();
    await closing;
    await closed;
    await stack.close();
    stack.closeSync();
    expect(closings).toBe(1);
  });

  test('has not failed where a listener throws: that is an uncaught exception', async () => {
    const source = `
      process.on('uncaughtException', ({ message }) => console.log(message, 'is uncaught'));
      const stack = new ioth.Stack('vdestack');
      stack.on('close', () => { throw new Error('mine'); });
      ioth.set_defstack(stack);
      console.log(await stack.close(), ioth.get_defstack());
      console.log(await stack.close());`;
    const { code, stdout, stderr } = await runText(temporaryDirectory(), source);
    expect({ code, stdout, stderr }).toEqual({
      ...{ code: 0, stderr: '' },
      stdout: 'undefined null\nundefined\nmine is uncaught\n',
    });
  });

  test('by closeSync, it throws what a listener throws, once', () => {
    const stack = new Stack('vdestack');
    stack.on('close', () => {
      throw new Error('mine');
    });
    set_defstack(stack);
    expect(() => stack.closeSync()).toThrow('mine');
    expect([stack.closed, get_defstack()]).toEqual([true, null]);
    stack.closeSync();
  });

  test('does not hold the loop', async () => {
    const stack = new Stack('vdestack', 'null://');
    const order: string[] = [];
    const closing = stack.close().then(() => order.push('closed'));
    setImmediate(() => order.push('a turn of the loop'));
    await closing;
    expect(order).toEqual(['a turn of the loop', 'closed']);
  });

  test('closeSync is over when it returns', async () => {
    const stack = new Stack('vdestack');
    const { daemonPid: daemon } = stack;
    let closings = 0;
    stack.on('close', () => closings++);
    stack.closeSync();
    expect(children()).not.toContain(daemon);
    expect([stack.closed, closings]).toEqual([true, 1]);
    await stack.close();
    stack.closeSync();
    expect(closings).toBe(1);
  });

  test('`using` and `await using` do it', async () => {
    let one: Stack;
    let two: Stack;
    {
      using first = new Stack('vdestack');
      await using second = new Stack('vdestack');
      [one, two] = [first, second];
      expect([one.closed, two.closed]).toEqual([false, false]);
    }
    expect([one.closed, two.closed]).toEqual([true, true]);
    expect(children()).not.toContain(one.daemonPid);
    expect(children()).not.toContain(two.daemonPid);
  });

  test.each(['close', 'closeSync'] as const)(
    '%s closes open sockets, and what waits on them is ECANCELED',
    async (how) => {
      const stack = new Stack('vdestack');
      stack.linksetupdown(1, true);
      const [udp] = udpOn(stack, '127.0.0.1');
      const [listener] = listenOn(stack, '127.0.0.1');
      const stopped = { code: 'ECANCELED', message: expect.stringContaining('the stack was closed') };
      const outcomes = [
        expect(udp.recv(10)).rejects.toMatchObject(stopped),
        expect(listener.accept()).rejects.toMatchObject(stopped),
      ];
      await stack[how]();
      await Promise.all(outcomes);
      expect([udp.closed, listener.closed]).toEqual([true, true]);
    },
  );

  test('leaves nothing that works: EBADF says that the stack is closed', async () => {
    const stack = new Stack('vdestack');
    const socket = stack.socket();
    await stack.close();
    const closed = expect.objectContaining({ code: 'EBADF', message: expect.stringContaining('the stack is closed') });
    const calls: (() => unknown)[] = [
      () => stack.socket(),
      () => stack.if_nametoindex('lo'),
      () => stack.interfaces(),
      () => stack.routes(),
      () => stack.getifaddrs(),
      () => stack.linksetupdown(1, true),
      () => stack.ipaddr_add(AF_INET, '10.0.0.1', 24, 1),
      () => stack.iproute_add(AF_INET, '10.0.0.1'),
      () => set_defstack(stack),
    ];
    for (const call of calls) expect(call).toThrow(closed);
    expect(() => socket.getsockname()).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('the switch of a closed stack is gone, and its name is free', async () => {
    const vnl = `switch://${net.dir}/again`;
    for (let i = 0; i < 3; i++) {
      const stack = new Stack('vdestack', vnl);
      await stack.close();
      expect(readdirSync(net.dir)).not.toContain('again');
    }
  });
});

describe('the default stack', () => {
  test('is set, asked and put back', async () => {
    await using stack = new Stack('vdestack');
    expect(get_defstack()).toBeNull();
    set_defstack(stack);
    expect(get_defstack()).toBe(stack);
    set_defstack(null);
    expect(get_defstack()).toBeNull();
    expect(() => set_defstack('vdestack' as unknown as Stack)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  });

  test.each(['close', 'closeSync'] as const)('is forgotten when it is closed by %s', async (how) => {
    const stack = new Stack('vdestack');
    set_defstack(stack);
    await stack[how]();
    expect(get_defstack()).toBeNull();
    // C uses the host's network again, not freed memory
    const { libioth } = await import('../../../ffi/ioth.js');
    const fd = libioth().socket(AF_INET, SOCK_DGRAM, 0);
    expect(fd).toBeGreaterThan(0);
    libioth().close(fd);
  });

  test('is forgotten whatever another listener throws', () => {
    const stack = new Stack('vdestack');
    stack.once('close', () => {
      throw new Error('of the listener');
    });
    set_defstack(stack);
    expect(() => stack.closeSync()).toThrow('of the listener');
    expect(get_defstack()).toBeNull();
  });

  test('stays when another stack is closed', async () => {
    await using stack = new Stack('vdestack');
    const other = new Stack('vdestack');
    set_defstack(other);
    set_defstack(stack);
    await other.close();
    expect(get_defstack()).toBe(stack);
  });
});

test('set_license takes a licence and takes it back', () => {
  set_license('GPL-2.0-or-later');
  set_license('GPL-2.0-or-later');
  set_license(null);
  expect(() => set_license(5 as unknown as string)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});

test('inspect shows what it is and what it joined', async () => {
  const stack = new Stack('vdestack', net.vnl);
  expect(inspect(stack)).toBe(`Stack <vdestack, ${net.vnl}, daemon ${stack.daemonPid}>`);
  await stack.close();
  expect(inspect(stack)).toMatch(/, closed>$/);
  using kernel = new Stack('kernel');
  expect(inspect(kernel)).toBe('Stack <kernel>');
});
