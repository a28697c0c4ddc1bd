import { DEFAULT_OPTIONS } from '../../../lib/dns/resolv-conf.js';
import { NameSettings } from '../../../lib/dns/settings.js';

/* What a stack without config_dns takes from DHCP, router discovery and configuration strings. */

jest.mock('../../../lib/core/files.js', () => ({
  textIfReadable: () => 'nameserver 10.9.0.53\nsearch machine.test\noptions ndots:3\n',
}));

const OF_MACHINE = {
  nameservers: [{ address: '10.9.0.53', port: 53 }],
  search: ['machine.test'],
  options: { ...DEFAULT_OPTIONS, ndots: 3 },
};

function applied(servers: readonly string[], search: readonly string[]): NameSettings {
  const settings = new NameSettings(null);
  expect(settings.applyNetworkSettings({ servers, search })).toBe(true);
  return settings;
}

test('servers replace all of /etc/resolv.conf', () => {
  const { conf, isOwn } = applied(['10.0.0.1'], []);
  expect(conf).toMatchObject({
    nameservers: [{ address: '10.0.0.1', port: 53 }],
    search: [],
    options: DEFAULT_OPTIONS,
  });
  expect(isOwn).toBe(true);
});

test('a search domain alone replaces its search list', () => {
  const { conf, isOwn } = applied([], ['example.org']);
  expect(conf).toMatchObject({ ...OF_MACHINE, search: ['example.org'] });
  expect(isOwn).toBe(true);
});

test('when all of them have gone it counts again', () => {
  const settings = applied(['10.0.0.1'], ['example.org']);
  settings.applyNetworkSettings({ servers: [], search: [] });
  expect(settings.conf).toMatchObject(OF_MACHINE);
  expect(settings.isOwn).toBe(false);
});

test('a configuration that was given stays', () => {
  const settings = new NameSettings('10.0.0.2');
  expect(settings.applyNetworkSettings({ servers: ['10.0.0.1'], search: ['example.org'] })).toBe(false);
  expect(settings.conf).toMatchObject({ nameservers: [{ address: '10.0.0.2' }], search: [] });
});
