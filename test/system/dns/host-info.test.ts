import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Stack } from 'ioth';
import { NameNetwork } from '../../support/name-servers.js';

const network = new NameNetwork();
let stack: Stack;
beforeAll(async () => {
  const server = network.join(1);
  await network.dnsmasq(
    server,
    ['10.5.0.1'],
    [
      '--host-record=real.test,10.5.0.9,fd05::9',
      '--host-record=real.test,10.5.0.10',
      '--cname=www.test,real.test',
      '--ptr-record=9.0.5.10.in-addr.arpa,real.test',
      '--local=/test/',
      '--local=/arpa/',
    ],
  );
  stack = network.join(2);
  stack.iothdns_update('10.5.0.1');
  writeFileSync(network.path('hosts'), '10.9.0.1 web.example.org web www\n10.9.0.2 short alias.of.it\n10.9.0.3 bare\n');
  stack.iothdns_setpath('hosts', network.path('hosts'));
});
afterAll(() => network.close());

test('gethostbyname has the first IPv4 address', async () => {
  expect(['10.5.0.9', '10.5.0.10']).toContain(await stack.gethostbyname('www.test'));
  expect(await stack.gethostbyname('web')).toBe('10.9.0.1');
  expect(await stack.gethostbyname('10.9.0.7')).toBe('10.9.0.7');
  expect(await stack.gethostbyname('')).toBe('0.0.0.0');
  expect(await stack.gethostbyname('<broadcast>')).toBe('255.255.255.255');
  await expect(stack.gethostbyname('absent.test')).rejects.toMatchObject({ name: 'GaiError', code: 'ENOTFOUND' });
  await expect(stack.gethostbyname('fd00::1')).rejects.toMatchObject({ code: 'EAI_ADDRFAMILY' });
});

test('gethostbyname_ex has the canonical name, the others and all addresses', async () => {
  const [name, aliases, addresses] = await stack.gethostbyname_ex('www.test');
  expect([name, aliases, addresses.sort()]).toEqual(['real.test', ['www.test'], ['10.5.0.10', '10.5.0.9']]);
  expect(await stack.gethostbyname_ex('WWW')).toEqual(['web.example.org', ['web', 'WWW'], ['10.9.0.1']]);
  expect(await stack.gethostbyname_ex('10.9.0.7')).toEqual(['10.9.0.7', [], ['10.9.0.7']]);
});

test('gethostbyaddr has the names of an address', async () => {
  expect(await stack.gethostbyaddr('10.5.0.9')).toEqual(['real.test', [], ['10.5.0.9']]);
  expect(await stack.gethostbyaddr('10.9.0.1')).toEqual(['web.example.org', ['web', 'www'], ['10.9.0.1']]);
  expect(await stack.gethostbyaddr('www')).toEqual(['web.example.org', ['web', 'www'], ['10.9.0.1']]);
  await expect(stack.gethostbyaddr('10.5.0.77')).rejects.toMatchObject({ name: 'GaiError' });
});

test('getfqdn has the first name with a dot, or what it was given', async () => {
  expect(await stack.getfqdn('web')).toBe('web.example.org');
  expect(await stack.getfqdn('10.9.0.2')).toBe('alias.of.it');
  expect(await stack.getfqdn('bare')).toBe('bare');
  expect(await stack.getfqdn(' absent.test ')).toBe('absent.test');
  expect(await stack.getfqdn()).toBe(hostname());
  await expect(stack.getfqdn('x', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  await expect(stack.getfqdn(5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
});

test('services by name and by port, from the services file', () => {
  writeFileSync(network.path('services'), 'web 8080/tcp www\nweb 8081/udp\nonly 99/udp\n');
  stack.iothdns_setpath('services', network.path('services'));
  expect([stack.getservbyname('www'), stack.getservbyname('web', 'udp'), stack.getservbyname('only')]).toEqual([
    ...[8080, 8081, 99],
  ]);
  expect([stack.getservbyport(8080), stack.getservbyport(99, 'udp')]).toEqual(['web', 'only']);
  expect(() => stack.getservbyname('absent')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => stack.getservbyport(99, 'tcp')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => stack.getservbyport(65536)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  stack.iothdns_setpath('services', null);
});
