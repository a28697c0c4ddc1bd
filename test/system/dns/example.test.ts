import { runSource } from '../../support/child.js';
import { NameNetwork } from '../../support/name-servers.js';

const network = new NameNetwork();

beforeAll(async () => {
  const server = network.join(1);
  await network.dnsmasq(
    server,
    ['10.5.0.1'],
    [
      '--host-record=real.test,10.5.0.9,fd05::9',
      '--cname=www.test,real.test',
      '--mx-host=real.test,mail.test,10',
      '--local=/test/',
    ],
  );
});
afterAll(() => network.close());

function example(host: string) {
  const vnl = `vde://${network.path('switch')}`;
  const env = { ...process.env, IOTH_DNS: 'builtin' };
  return runSource('examples/getaddrinfo.ts', [vnl, '10.5.0.2/24', '10.5.0.1', host, 'http'], { env });
}

test('examples/getaddrinfo.ts prints addresses and records', async () => {
  expect(await example('www.test')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^IPv4 10\.5\.0\.9 port 80, canonical name real\.test\nIPv6 fd05::9 port 80\n/),
  });
  expect((await example('real.test')).stdout).toContain(
    "MX [ { exchange: 'mail.test', priority: 10 } ]\nTXT ENODATA\n",
  );
});

test('and tells of a name that is not there', async () => {
  expect(await example('absent.test')).toMatchObject({
    code: 1,
    stderr: '',
    stdout: 'getaddrinfo ENOTFOUND absent.test: host or service is not known\nMX ENOTFOUND\nTXT ENOTFOUND\n',
  });
});
