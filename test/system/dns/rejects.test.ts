import { Stack } from 'ioth';
import { temporaryDirectory } from '../../support/directory.js';

/** Bad arguments of look-ups: a promise rejects, once, with a code, and nothing is left that nobody handles. */

let stack: Stack;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  process.on('unhandledRejection', onUnhandled);
  stack = new Stack('vdestack', 'null://', '10.5.0.1', { dns: 'builtin' });
});
afterEach(async () => {
  stack.closeSync();
  // an unhandled rejection is told at the end of the turn
  await new Promise(setImmediate);
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

const invalidType = (name: string) => ({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining(name) });
const badSignals: [unknown][] = [[5], ['abort'], [{}], [new AbortController()], [{ aborted: false }]];

test.each(badSignals)('%p is no signal', async (signal) => {
  const options = { signal } as never;
  const refused = invalidType('options.signal must be an AbortSignal');
  await expect(stack.getaddrinfo('host.example', 80, 0, 0, 0, 0, options)).rejects.toMatchObject(refused);
  await expect(stack.getnameinfo(['10.0.0.1', 80], 0, options)).rejects.toMatchObject(refused);
  await expect(stack.resolveHost('host.example', 2, options)).rejects.toMatchObject(refused);
});

test.each([[null], [5], ['x'], [[]]])('%p is no options', async (options) => {
  const given = options as never;
  const refused = invalidType('options must be ');
  await expect(stack.getaddrinfo('host.example', 80, 0, 0, 0, 0, given)).rejects.toMatchObject(refused);
  await expect(stack.getnameinfo(['10.0.0.1', 80], 0, given)).rejects.toMatchObject(refused);
  await expect(stack.resolveHost('host.example', 2, given)).rejects.toMatchObject(refused);
  await expect(stack.iothconfig('eth', given)).rejects.toMatchObject(refused);
  expect(() => new stack.dns.Resolver(given)).toThrow(expect.objectContaining(refused));
  expect(() => new stack.dns.promises.Resolver(given)).toThrow(expect.objectContaining(refused));
});

test('every promise of a look-up rejects, whatever the arguments', async () => {
  const names = ['lookup', 'lookupService', 'resolve', 'resolve4', 'resolveAny', 'resolveSoa', 'resolveTxt', 'reverse'];
  const bad: unknown[] = [5, {}, [], Symbol('x'), 1n, 'a\0b', () => {}, Object.create(null)];
  for (const name of names) {
    for (const value of bad) {
      const promise = (stack.dns.promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[
        name
      ]?.(value, value);
      const error = await promise?.then(
        () => undefined,
        (reason) => reason,
      );
      expect([name, value, error?.code]).toEqual([name, value, expect.stringMatching(/^ERR_|^E[A-Z]+$/)]);
    }
  }
});

test('a provider of the environment that is none rejects', async () => {
  const before = process.env.IOTH_DNS;
  process.env.IOTH_DNS = 'other';
  const other = new Stack('vdestack', 'null://', '10.5.0.1');
  try {
    await expect(other.getaddrinfo('a.test', 80)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await expect(other.getnameinfo(['10.0.0.1', 80])).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await expect(other.dns.promises.resolve4('a.test')).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
  } finally {
    if (before === undefined) delete process.env.IOTH_DNS;
    else process.env.IOTH_DNS = before;
    other.closeSync();
  }
});

test.each([[{}], [Object.create(null)], [5], [null], [Symbol('hosts')], [['hosts']]])('%p is no file', (tag) => {
  expect(() => stack.iothdns_setpath(tag as never, '/tmp/x')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining('tag must be') }),
  );
});

test('a name that every object has is no file', () => {
  expect(() => stack.iothdns_setpath('toString' as never, '/tmp/x')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
  );
});

test('a hosts file that cannot be read is an error with its path', async () => {
  const directory = temporaryDirectory();
  stack.iothdns_setpath('hosts', directory);
  await expect(stack.getaddrinfo('a.test', 80)).rejects.toMatchObject({
    name: 'IothError',
    code: 'EISDIR',
    address: directory,
    message: expect.stringContaining("iothdns_setpath('hosts', path)"),
  });
});

test('options of a resolver have types and ranges', () => {
  expect(() => new stack.dns.Resolver({ timeout: '5' as never })).toThrow(
    expect.objectContaining(invalidType('options.timeout')),
  );
  expect(() => new stack.dns.Resolver({ tries: 0 })).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
});
