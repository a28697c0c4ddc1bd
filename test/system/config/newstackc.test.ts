import { Stack } from 'ioth';
import { chooseProvider } from '../../../lib/core/provider.js';
import { stateOf, useNetwork } from '../../support/network.js';

const lan = useNetwork(0, 'test');

const builtin = { conf: 'builtin' } as const;

test('the static part is in force when the constructor returns', async () => {
  lan.stack();
  const config = `stack=vdestack,vnl=${lan.vnl}, eth,ip=10.0.0.9/24,gw=10.0.0.1,dns=10.0.0.1`;
  const stack = new Stack(config, null, null, builtin);
  expect(stateOf(stack)).toEqual({ addresses: ['10.0.0.9/24'], routes: ['0.0.0.0/0 10.0.0.1'] });
  expect(stack.ioth_resolvconf()).toBe('nameserver 10.0.0.1\n');
  expect(stack.name).toBe('vdestack');
  expect(stack.vnl).toEqual([lan.vnl]);
  await stack.ready;
  await stack.close();
});

test('dhcp goes on until ready settles; close in between ends it', async () => {
  await lan.dnsmasq(lan.stack('10.0.0.1/24'), '--dhcp-range=10.0.0.50,10.0.0.90,2m');
  const config = `stack=vdestack,vnl=${lan.vnl},eth,dhcp`;
  const stack = new Stack(config, null, null, builtin);
  expect(stateOf(stack).addresses).toEqual([]);
  await stack.ready;
  expect(stateOf(stack).addresses.length).toBe(1);
  await stack.close();
  const closed = new Stack(config, null, null, builtin);
  await closed.close();
  await expect(closed.ready).rejects.toMatchObject({ code: 'ECANCELED' });
});

test('create waits for ready, and closes the stack where that fails', async () => {
  const server = lan.stack('10.0.0.1/24');
  const config = `stack=vdestack,vnl=${lan.vnl},eth,dhcp`;
  const silent = Stack.create({ stack: config, timeout: 200, ...builtin });
  await expect(silent).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'dhcp' });
  const aborted = Stack.create(config, null, null, { signal: AbortSignal.timeout(100), ...builtin });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });

  await lan.dnsmasq(server, '--dhcp-range=10.0.0.50,10.0.0.90,2m');
  await using stack = await Stack.create(config, null, null, builtin);
  expect(stateOf(stack).addresses.length).toBe(1);
});

test('a failure that nobody waits for ends nothing', async () => {
  lan.stack();
  const stack = new Stack(`stack=vdestack,vnl=${lan.vnl},eth,dhcp`, null, null, { timeout: 50, ...builtin });
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(stack.closed).toBe(false);
  stack.closeSync();
});

test.each([
  ['stack=vdestack,vnl=null://,eth,foo', 'foo'],
  ['stack=vdestack,vnl=null://,ip=10.0.0.300/24', 'ip=10.0.0.300/24'],
  ['stack=vdestack,vnl=null://,vnl=vde:///tmp/sw,eth', 'vnl=vde:///tmp/sw'],
  ['stack=vdestack,stack=kernel,eth', 'stack=kernel'],
])('%s is refused before there is a stack', (config, item) => {
  expect(() => new Stack(config)).toThrow(`config item '${item}'`);
});

test('a stack that cannot be configured is closed', () => {
  const config = 'stack=vdestack,vnl=null://,iface=vde7,eth';
  expect(() => new Stack(config, null, null, builtin)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  const unreachable = 'stack=vdestack,vnl=null://,eth,gw=10.0.0.1';
  expect(() => new Stack(unreachable, null, null, builtin)).toThrow(expect.objectContaining({ code: 'ENETUNREACH' }));
});

test('a configuration has its vnl in itself, and needs a stack', () => {
  const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' });
  expect(() => new Stack('stack=vdestack,eth', 'null://')).toThrow(invalid);
  for (const config of ['vnl=null://,eth', 'eth,ip=10.0.0.1/24', 'iface=vde0,eth', 'ip=10.0.0.1/24', 'auto']) {
    const message = `stack must be a configuration that names the plugin, as in 'stack=vdestack,vnl=vde:///tmp/sw,eth', not '${config}'`;
    expect(() => new Stack(config)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message }));
  }
  expect(() => new Stack('nosuch,eth')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
});

test('a configuration without a network says so', () => {
  const message = "no interface is named 'vde0': the stack has only lo, as no vnl was given";
  const failure = expect.objectContaining({ code: 'ENODEV', message: expect.stringContaining(message) });
  for (const items of ['eth,ip=10.0.0.1/24', 'dhcp', 'ip=10.0.0.1/24']) {
    expect(() => new Stack(`stack=vdestack,${items}`, null, null, builtin)).toThrow(failure);
  }
  using stack = new Stack('stack=vdestack,iface=lo,eth');
  expect(stack.interfaces()).toMatchObject([{ name: 'lo', up: true }]);
  expect(() => stack.if_nametoindex('vde0')).toThrow(failure);
});

describe('the provider', () => {
  const before = process.env.IOTH_CONF;
  afterEach(() => {
    if (before === undefined) delete process.env.IOTH_CONF;
    else process.env.IOTH_CONF = before;
  });

  test('is what IOTH_CONF says, else the builtin one', () => {
    delete process.env.IOTH_CONF;
    expect(chooseProvider(undefined, 'IOTH_CONF')).toBe('builtin');
    process.env.IOTH_CONF = 'native';
    expect(chooseProvider(undefined, 'IOTH_CONF')).toBe('native');
    process.env.IOTH_CONF = 'both';
    expect(() => chooseProvider(undefined, 'IOTH_CONF')).toThrow("IOTH_CONF must be 'native' or 'builtin'");
  });

  test('an option of the stack goes before it', async () => {
    process.env.IOTH_CONF = 'both';
    lan.stack();
    const stack = new Stack('vdestack', lan.vnl, null, builtin);
    expect(await stack.iothconfig('ip=10.0.0.9/24')).toBe(1);
    await stack.close();
    const wrong = { conf: 'other' as 'native' };
    expect(() => new Stack('vdestack', 'null://', null, wrong)).toThrow("options.conf must be 'native' or 'builtin'");
  });
});

test('events: config at each change, with the names', async () => {
  lan.stack();
  const stack = new Stack('vdestack', lan.vnl, null, builtin);
  const names: string[] = [];
  stack.on('config', ({ resolvconf }) => names.push(resolvconf));
  await stack.iothconfig('dns=10.0.0.1');
  await stack.iothconfig('domain=a.org');
  await stack.iothconfig('-static');
  expect(names).toEqual(['nameserver 10.0.0.1\n', 'search a.org\nnameserver 10.0.0.1\n', '']);
  await stack.close();
});

test('debug shows on stderr what each source says, at the end of its own call', async () => {
  lan.stack();
  const stack = new Stack('vdestack', lan.vnl, null, builtin);
  const written = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    await stack.iothconfig('ip=10.0.0.9/24,dns=10.0.0.1,domain=a.org,debug');
    const text = written.mock.calls.map(([line]) => line).join('');
    expect(text).toMatch(/static: ip 10\.0\.0\.9\/24\n.*static: dns 10\.0\.0\.1\n.*static: domain a\.org\n/);
    written.mockClear();
    await stack.iothconfig('ip=10.0.0.10/24');
    expect(written).not.toHaveBeenCalled();
  } finally {
    written.mockRestore();
    await stack.close();
  }
});
