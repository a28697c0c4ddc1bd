import { AF_INET, SOCK_DGRAM } from 'ioth';
import { Lab } from 'ioth/lab';
import { makePatient, patientLab } from '../../support/lab-hosts.js';
import { expectNothingLeft, type Holdings, holdings } from '../../support/leaks.js';
import { PATIENCE_MS } from '../../support/until.js';

/* Hosts that move from one network to another. */

const PING = { count: 1, timeout: PATIENCE_MS };
const SHORT_PING = { count: 1, timeout: 300 };

const PHONE = {
  networks: { internet: '203.0.113.0/24', wifi: '192.168.1.0/24', mobile: '100.64.0.0/24' },
  hosts: {
    server: 'internet',
    fritz: { networks: ['wifi', 'internet'], nat: 'home' },
    carrier: { networks: ['mobile', 'internet'], nat: 'cgnat' },
    tablet: 'wifi',
    phone: { networks: ['wifi', 'mobile'], roams: true },
  },
} as const;

let before: Holdings;
beforeEach(() => {
  before = holdings();
});
afterEach(() => expectNothingLeft(before));

it('has another address, other routes and another name to others', async () => {
  await using lab = await patientLab(PHONE);
  const { server, tablet, phone } = lab.hosts;
  const addresses = () =>
    phone.stack
      .interfaces()
      .flatMap(({ name, addresses }) =>
        addresses.filter(({ family }) => family === 'IPv4').map((each) => `${name} ${each.address}`),
      )
      .filter((text) => !text.startsWith('lo'));
  expect([phone.networks, phone.address(), phone.isRouter]).toEqual([['wifi', 'mobile'], '192.168.1.3', false]);
  expect(addresses()).toEqual(['wifi 192.168.1.3']);
  expect((await tablet.ping('phone', PING)).received).toBe(1);
  const echo = server.stack.socket(AF_INET, SOCK_DGRAM);
  echo.bind(':7');
  echo.settimeout(PATIENCE_MS / 1000);
  using socket = phone.stack.socket(AF_INET, SOCK_DGRAM);
  const seen = async () => {
    await socket.sendto('hello', 'server:7');
    return (await echo.recvfrom(100))[1].address;
  };
  expect(await seen()).toBe('203.0.113.2');

  await phone.move('wifi', 'mobile', { gap: 10 });
  expect([addresses(), phone.address()]).toEqual([['mobile 100.64.0.2'], '100.64.0.2']);
  expect(await seen()).toBe('203.0.113.3');
  await expect(tablet.ping('phone', SHORT_PING)).rejects.toThrow('EAI_AGAIN');
  expect((await tablet.ping('192.168.1.3', SHORT_PING)).received).toBe(0);
  expect(String(lab)).toMatch(/phone +192\.168\.1\.3 +roams, away\n/);
  expect(String(lab)).toMatch(/phone +100\.64\.0\.2 +roams$/);

  await phone.move('mobile', 'wifi');
  expect(addresses()).toEqual(['wifi 192.168.1.3']);
  expect((await tablet.ping('phone', PING)).received).toBe(1);
  expect(await seen()).toBe('203.0.113.2');
  echo.close();
});

it('stays where it is when it restarts, and can be down', async () => {
  await using lab = await patientLab(PHONE);
  const { server, phone } = lab.hosts;
  await phone.move('wifi', 'mobile');
  await lab.restart('phone');
  makePatient(lab);
  expect((await phone.ping('server', PING)).received).toBe(1);
  await lab.down('phone');
  expect((await phone.ping('203.0.113.1', SHORT_PING)).received).toBe(0);
  await phone.move('mobile', 'wifi');
  expect((await phone.ping('203.0.113.1', SHORT_PING)).received).toBe(0);
  await lab.up('phone');
  expect((await phone.ping('server', PING)).received).toBe(1);
  expect(server.isUp).toBe(true);
});

it('gets its address by DHCP, and names from the server', async () => {
  await using lab = await patientLab({
    networks: { left: '10.0.1.0/24', right: { prefix: '10.0.2.0/24', prefix6: 'fd00:2::/64' } },
    hosts: { router: ['left', 'right'], phone: { networks: ['left', 'right'], roams: true }, other: 'left' },
    dhcp: 'router',
    dns: 'router',
  });
  const { phone, other } = lab.hosts;
  const resolve = () => other.stack.dns.promises.resolve4('phone.lab.test');
  expect(await resolve()).toEqual(['10.0.1.2']);
  await phone.move('left', 'right');
  expect(await resolve()).toEqual(['10.0.2.2']);
  expect((await phone.ping('other', PING)).received).toBe(1);
  expect((await other.ping('phone', PING)).received).toBe(1);
  expect((await phone.ping('fd00:2::1', PING)).received).toBe(1);
  await phone.move('right', 'left');
  expect(await resolve()).toEqual(['10.0.1.2']);
  expect((await other.ping('phone', PING)).received).toBe(1);
});

it('gets its address by DHCP once it is plugged in, if it restarted or moved without a cable', async () => {
  await using lab = await Lab.create({
    networks: { left: '10.0.1.0/24', right: '10.0.2.0/24' },
    hosts: { router: ['left', 'right'], phone: { networks: ['left', 'right'], roams: true }, other: 'left' },
    dhcp: 'router',
  });
  const { phone, other } = lab.hosts;
  await lab.down('other');
  await lab.restart('other');
  await lab.up('other');
  expect((await other.ping('router', PING)).received).toBe(1);
  await lab.down('phone');
  await phone.move('left', 'right');
  await lab.up('phone');
  expect((await phone.ping('other', PING)).received).toBe(1);
});

it('has a way out of the lab where the network has one', async () => {
  // no packet leaves the machine: slirp itself answers
  await using lab = await Lab.create({
    networks: { lan: '10.0.0.0/24', net: { exit: 'slirp' } },
    hosts: { gate: ['lan', 'net'], phone: { networks: ['lan', 'net'], roams: true } },
  });
  const { phone } = lab.hosts;
  const gateways = () =>
    phone.stack.routes(AF_INET).flatMap(({ dst_prefixlen, gw }) => (dst_prefixlen === 0 ? [gw] : []));
  expect(gateways()).toEqual([]);
  await phone.move('lan', 'net');
  expect(gateways()).toEqual(['10.0.2.2']);
  expect((await phone.ping('10.0.2.2', PING)).received).toBe(1);
  await phone.move('net', 'lan');
  expect(gateways()).toEqual([]);
});

it('moves from a network whose interface it turned off', async () => {
  await using lab = await Lab.create({
    networks: { wifi: 'fd00:1::/64', mobile: 'fd00:2::/64', internet: 'fd00:3::/64' },
    hosts: {
      fritz: ['wifi', 'internet'],
      carrier: ['mobile', 'internet'],
      phone: { networks: ['wifi', 'mobile'], roams: true },
      server: 'internet',
    },
  });
  const { phone } = lab.hosts;
  phone.stack.linksetupdown('wifi', false);
  await phone.move('wifi', 'mobile');
  expect((await phone.ping('server', PING)).received).toBe(1);
});

it('refuses what makes no sense', async () => {
  await using lab = await patientLab(PHONE);
  const { tablet, phone } = lab.hosts;
  await expect(tablet.move('wifi', 'mobile')).rejects.toThrow(
    "host must be one that roams: { networks: ['wifi', 'mobile']",
  );
  await expect(phone.move('mobile', 'wifi')).rejects.toThrow(
    "from must be the network that 'phone' is on, not 'mobile'",
  );
  await expect(phone.move('wifi', 'wifi')).rejects.toThrow("from must be the network that 'phone' is on");
  await expect(phone.move('wifi', 'internet')).rejects.toThrow("to must be one that 'phone' is on (wifi, mobile)");
  await expect(phone.move('wifi', 'mobile', { gap: -1 })).rejects.toThrow('options.gap');
  const networks = { wifi: '10.0.1.0/24', mobile: '10.0.2.0/24' } as const;
  const refused = (host: object) => Lab.create({ networks, hosts: { gate: ['wifi', 'mobile'], phone: host } } as never);
  await expect(refused({ networks: 'wifi', roams: true })).rejects.toThrow(
    'config.hosts.phone.roams must be of a host with two',
  );
  const both = ['wifi', 'mobile'];
  await expect(refused({ networks: both, roams: true, router: true })).rejects.toThrow(
    'config.hosts.phone.router must be of a host that does not roam',
  );
  await expect(refused({ networks: both, roams: true, nat: 'home' })).rejects.toThrow(
    'config.hosts.phone.nat must be of a host that does not roam',
  );
  for (const service of ['dns', 'dhcp']) {
    await expect(Lab.create({ ...PHONE, [service]: 'phone' })).rejects.toThrow(
      `config.${service} must be a host that does not roam, not 'phone'`,
    );
  }
});

it('a move that is under way ends with the lab', async () => {
  const lab = await Lab.create(PHONE);
  const moving = lab.hosts.phone.move('wifi', 'mobile', { gap: 3_600_000 });
  const failed = expect(moving).rejects.toThrow();
  await lab.close();
  await failed;
});

it('a host that waits for a lease when the lab is closed does not wait on', async () => {
  const lab = await Lab.create({
    networks: { lan: '10.0.1.0/24' },
    hosts: { router: 'lan', other: 'lan' },
    dhcp: 'router',
  });
  await lab.networks.lan.cut({ from: 'router' });
  const discovery = await lab.networks.lan.intercept({ from: 'other', protocol: 'udp', toPort: 67 }, 'pass');
  const restarting = expect(lab.restart('other')).rejects.toMatchObject({ name: 'AbortError' });
  await discovery.next();
  await lab.close();
  await restarting;
});
