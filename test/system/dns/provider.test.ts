import { AF_INET, SOCK_STREAM, Stack } from 'ioth';
import { hasLibrary } from '../../../ffi/index.js';
import { NameNetwork } from '../../support/name-servers.js';
import { answerTo, ScriptedServer } from '../../support/scripted-server.js';

const network = new NameNetwork();
let server: ScriptedServer;
let environment: string | undefined;

beforeAll(() => {
  environment = process.env.IOTH_DNS;
  server = new ScriptedServer(network.join(1), '10.5.0.1', (query) => [{ bytes: answerTo(query, '10.5.0.9') }]);
});
afterEach(() => {
  if (environment === undefined) delete process.env.IOTH_DNS;
  else process.env.IOTH_DNS = environment;
});
afterAll(async () => {
  server.close();
  await network.close();
});

test('a provider that is none is refused, as an option and in the environment', async () => {
  expect(() => new Stack('vdestack', null, null, { dns: 'other' as 'native' })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining('options.dns') }),
  );
  const stack = network.join(2, '10.5.0.1');
  process.env.IOTH_DNS = 'other';
  await expect(stack.getaddrinfo('a.test', 80)).rejects.toThrow(
    expect.objectContaining({ message: expect.stringContaining('IOTH_DNS') }),
  );
});

test('a configuration that can not be read makes no stack', () => {
  expect(() => new Stack('vdestack', null, '/nowhere/resolv.conf')).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }),
  );
  expect(() => new Stack('vdestack', null, 5 as unknown as string)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
  );
});

test('bad lines are reported, once', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  for (const number of [3, 8]) network.join(number, 'nameserver 10.5.0.1\nnameservre 10.5.0.2\n');
  expect(warn.mock.calls).toEqual([
    [
      "config_dns, line 2: unknown keyword 'nameservre' (nameservre 10.5.0.2)",
      { type: 'IothWarning', code: 'IOTH_NAMES' },
    ],
  ]);
  warn.mockRestore();
});

test('what the network tells counts until a configuration is given', async () => {
  const stack = network.join(4, null, { dns: 'builtin' });
  const ofMachine = stack.dns.getServers();
  await stack.iothconfig('domain=example.test');
  expect(stack.dns.getServers()).toEqual(ofMachine);
  await stack.iothconfig('dns=10.5.0.1');
  expect(stack.dns.getServers()).toEqual(['10.5.0.1']);
  stack.iothdns_update('10.5.0.7');
  await stack.iothconfig('dns=10.5.0.2');
  expect(stack.dns.getServers()).toEqual(['10.5.0.7']);
  stack.dns.setServers(['[fd05::1]:5353', '10.5.0.1']);
  expect(stack.dns.getServers()).toEqual(['[fd05::1]:5353', '10.5.0.1']);
  expect(() => stack.dns.setServers(['example.org'])).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_IP_ADDRESS' }),
  );
});

describe('native', () => {
  const test = hasLibrary('iothdns') ? it : missing;

  function missing(name: string): void {
    it(`${name}: not tested, libiothdns is not on this machine`, () => {});
  }

  test('resolves what a socket needs, and the rest is the builtin resolver', async () => {
    const stack = network.join(5, '10.5.0.1', { dns: 'native' });
    expect(await stack.getaddrinfo('a.test', 80, AF_INET, SOCK_STREAM)).toHaveLength(1);
    expect(await stack.dns.promises.resolve4('a.test')).toEqual(['10.5.0.9']);
    await expect(stack.dns.promises.resolve6('a.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(stack.dns.promises.resolveMx('a.test')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  test('a changed configuration counts for the next look-up', async () => {
    const stack = network.join(6, '10.5.0.250', { dns: 'native' });
    await expect(stack.getaddrinfo('a.test', 80, AF_INET)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    stack.iothdns_update('10.5.0.1');
    expect(await stack.getaddrinfo('a.test', 80, AF_INET, SOCK_STREAM)).toHaveLength(1);
  });

  test('an abort ends the wait, and close waits for C', async () => {
    const stack = new Stack('vdestack', `vde://${network.path('switch')}`, '10.5.0.250', { dns: 'native' });
    const ifindex = stack.if_nametoindex('vde0');
    stack.linksetupdown(ifindex, true);
    stack.ipaddr_add(AF_INET, '10.5.0.77', 24, ifindex);
    const controller = new AbortController();
    const look = stack.getaddrinfo('a.test', 80, AF_INET, 0, 0, 0, { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(look).rejects.toMatchObject({ code: 'ABORT_ERR' });
    // C is still in it
    expect(() => stack.closeSync()).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    await stack.close();
  });
});
