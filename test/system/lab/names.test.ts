import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { canHaveOwnNames } from '../../support/own-names.js';

/* What a program on a host of a lab is told of the names, of its host's own and of its interfaces. */

const config = {
  networks: { lan: '10.0.0.0/24', wan: { prefix: '10.1.0.0/24', prefix6: 'fd00:1::/64' } },
  hosts: { alice: 'lan', gate: ['lan', 'wan'], bob: 'wan' },
} as const;

const canTry = canHaveOwnNames();
let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

describe.each([
  ['tables', {}],
  ['a DNS server', { dns: 'gate' }],
  ['a DNS server that DHCP tells of', { dns: 'gate', dhcp: 'gate' }],
] as const)('names by %s', (_what, services) => {
  it('a program finds the hosts, and its own name', async () => {
    if (!canTry) return;
    const files = () => ['/etc/hosts', '/etc/resolv.conf'].map((file) => readFileSync(file, 'utf8'));
    const ofMachine = [...files(), hostname()];
    await using lab = await patientLab({ ...config, ...services });
    const { alice, bob } = lab.hosts;
    await bob.run(async () => {
      const server = createServer((request, response) => response.end(`hello ${request.socket.remoteAddress}`));
      await once(server.listen(80, '0.0.0.0'), 'listening');
    });
    const run = async (command: string, ...args: string[]) => {
      const child = alice.spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [said, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')]);
      return { said, code };
    };
    for (const name of ['bob', 'bob.lab.test']) {
      const fetched = await run('curl', '-s', '--noproxy', '*', '--max-time', '60', `http://${name}/`);
      expect(fetched).toEqual({ said: 'hello 10.0.0.1', code: 0 });
    }
    const found = await run('getent', 'ahostsv4', 'bob');
    expect(found).toEqual({ said: expect.stringMatching(/^10\.1\.0\.2 +STREAM/), code: 0 });
    expect((await run('getent', 'hosts', 'bob')).code).toBe(0);
    // 2: the name is nowhere
    expect(await run('getent', 'hosts', 'nobody')).toEqual({ said: '', code: 2 });
    expect(await run('hostname')).toEqual({ said: 'alice\n', code: 0 });
    const restarted = await lab.restart('alice');
    expect(restarted.spawnSync('hostname', { encoding: 'utf8' }).stdout).toBe('alice\n');
    expect([...files(), hostname()]).toEqual(ofMachine);
  });
});

it('os tells the name and the interfaces of the host', async () => {
  await using lab = await patientLab(config);
  const { alice, gate } = lab.hosts;
  expect([alice.run(hostname), gate.run(hostname), gate.stack.gethostname()]).toEqual(['alice', 'gate', 'gate']);
  const listed = gate.run(() => networkInterfaces());
  expect(Object.keys(listed)).toEqual(['lo', 'lan', 'wan']);
  const cidrs = (name: string) => listed[name]?.map(({ cidr }) => cidr).filter((cidr) => !cidr?.startsWith('fe80:'));
  expect([cidrs('lan'), cidrs('wan')]).toEqual([['10.0.0.2/24'], ['10.1.0.1/24', 'fd00:1::1/64']]);
});

it('spawnSync runs a program to its end', async () => {
  await using lab = await patientLab(config);
  const { spawnSync } = lab.hosts.alice;
  const { status, stdout } = spawnSync('sh', ['-c', 'cat; ip -br -4 addr show lan; exit 3'], {
    input: 'in ',
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 3, stdout: expect.stringMatching(/^in lan .* 10\.0\.0\.1\/24/) });
  await lab.close();
  expect(() => lab.hosts.alice.spawnSync).toThrow("host 'alice' is not running");
});
