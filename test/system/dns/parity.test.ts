import { AF_INET, AF_INET6, AF_UNSPEC, AI_ADDRCONFIG, AI_CANONNAME, AI_V4MAPPED, SOCK_STREAM, type Stack } from 'ioth';
import { hasLibrary } from '../../../ffi/index.js';
import type { ProviderName } from '../../../lib/core/provider.js';
import { getent, NameNetwork } from '../../support/name-servers.js';
import { ZONES } from '../../support/zones.js';

type Database = 'ahosts' | 'ahostsv4' | 'ahostsv6';

interface Look {
  database: Database;
  name: string;
  /** Where the C library may give another order: ours, and why it is so. */
  differs?: { ours: string[]; because: string };
}

function looks(database: Database, ...names: string[]): Look[] {
  return names.map((name) => ({ database, name }));
}

/** RFC 6724 puts IPv4 before unique local addresses; a glibc that goes by RFC 3484 puts it after them. */
function uniqueLocal(name: string, ...ours: string[]): Look {
  return { database: 'ahosts', name, differs: { ours, because: 'RFC 6724, 2.1: fc00::/7 comes after IPv4' } };
}

const TABLE: readonly Look[] = [
  ...looks(
    'ahosts',
    'localhost',
    'four.example.test',
    'six.example.test',
    'near.example.test',
    'six6.example.test',
    'mixed.example.test',
    'away.example.test',
    'linklocal.example.test',
    'sixtofour.example.test',
    'any.wild.example.test',
    'nowhere.example.test',
    'text.example.test',
    'dangling.example.test',
    'loop1.example.test',
    'x.broken.test',
    'unknown.zone',
    'only',
    'deep.sub',
    'a.b',
    'only.',
    'HOSTED.alias',
    'hosted4',
    '10.5.0.9',
    '127.1',
    'fd05::9',
    'fe80::1%vde0',
    '::ffff:10.5.0.9',
  ),
  uniqueLocal('host.example.test', '10.5.0.9', 'fd05::9'),
  uniqueLocal('www.example.test', '10.5.0.9', 'fd05::9'),
  uniqueLocal('elsewhere.example.test', '10.6.1.1', 'fd06::1'),
  uniqueLocal('example.test', '10.5.1.1', 'fd05:1::1'),
  uniqueLocal('EXAMPLE.test.', '10.5.1.1', 'fd05:1::1'),
  uniqueLocal('host', '10.5.0.9', 'fd05::9'),
  uniqueLocal('hosted', '10.8.0.1', 'fd05:8::1'),
  ...looks('ahostsv4', 'host.example.test', 'six.example.test', 'hosted', 'near.example.test'),
  ...looks('ahostsv6', 'six.example.test', 'six6.example.test', 'hosted', 'localhost', 'fd05::9'),
];

const network = new NameNetwork();
const stacks = new Map<ProviderName, Stack>();
let expected: string[][];

const HOSTS = '127.0.0.1 localhost\n10.8.0.1 hosted hosted.alias\nfd05:8::1 hosted\n10.8.0.4 hosted4\n';
const CONFIG = 'nameserver 10.5.0.1\nsearch example.test sub.test\noptions timeout:30 attempts:1\n';

/** The addresses of the STREAM lines, as `getent ahosts` prints them; a name without any gives none. */
function printed(text: string): string[] {
  return text.split('\n').flatMap((line) => /^(\S+)\s+STREAM/.exec(line)?.[1] ?? []);
}

beforeAll(async () => {
  const server = network.join(1);
  await network.nsd(server, ['10.5.0.1', 'fd05::1'], ZONES);
  const resolvConf = network.write('resolv.conf', CONFIG);
  const hosts = network.write('hosts', HOSTS);
  const services = network.write('services', 'http 80/tcp\n');
  const nsswitch = network.write('nsswitch.conf', 'hosts: files dns\nservices: files\n');
  for (const dns of ['builtin', 'native'] as const) {
    if (dns === 'native' && !hasLibrary('iothdns')) {
      console.log('libiothdns is not on this machine: only the builtin provider is compared');
      continue;
    }
    const stack = network.join(dns === 'builtin' ? 2 : 3, resolvConf, { dns });
    stack.iothdns_setpath('hosts', hosts);
    stack.iothdns_setpath('services', services);
    stacks.set(dns, stack);
  }
  const builtin = stacks.get('builtin');
  if (!builtin) throw new Error('the builtin provider is always there');
  const queries = TABLE.map(({ database, name }) => [database, name] as const);
  expected = getent(builtin, { resolvConf, hosts, services, nsswitch }, queries).map(printed);
});
afterAll(() => network.close());

async function found(stack: Stack, { database, name }: Look): Promise<string[]> {
  const family = { ahosts: AF_UNSPEC, ahostsv4: AF_INET, ahostsv6: AF_INET6 }[database];
  // as getent does
  const flags = AI_V4MAPPED | AI_ADDRCONFIG | AI_CANONNAME;
  try {
    const infos = await stack.getaddrinfo(name, null, family, SOCK_STREAM, 0, flags);
    return infos.map(({ sockaddr: { address, scopeid } }) => (scopeid ? `${address}%${scopeid}` : address));
  } catch (error) {
    if ((error as { eai?: number }).eai === undefined) throw error;
    return [];
  }
}

test('the table has 40 look-ups and more, most of them with an answer', () => {
  expect(TABLE.length).toBeGreaterThanOrEqual(40);
  expect(expected.filter((addresses) => addresses.length > 0).length).toBeGreaterThanOrEqual(30);
});

describe.each(['builtin', 'native'] as const)('%s', (dns) => {
  test('gives what the C library gives in the namespace of the stack, in its order', async () => {
    const stack = stacks.get(dns);
    if (!stack) return console.log(`${dns}: not compared, its library is not on this machine`);
    const rows: string[] = [];
    for (const [i, look] of TABLE.entries()) {
      const given = await found(stack, look);
      const theirs = expected[i] ?? [];
      const wanted = look.differs?.ours ?? theirs;
      const isSameSet = given.toSorted().join() === theirs.toSorted().join();
      if (isSameSet && given.join() === wanted.join()) continue;
      rows.push(`${look.database} ${look.name}: ${given.join(' ')} where the C library gives ${theirs.join(' ')}`);
    }
    expect(rows).toEqual([]);
  });
});
