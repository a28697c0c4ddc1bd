import { ipText } from '../../../lib/address/ip.js';
import { encodeArpProbe } from '../../../lib/config/arp.js';
import { concat, Reader } from '../../../lib/config/bytes.js';
import { Dhcp4Client, type Dhcp4Options, type Dhcp4Transport } from '../../../lib/config/dhcp4/client.js';
import type { Dhcp4Lease } from '../../../lib/config/dhcp4/lease.js';
import {
  DHCPACK,
  DHCPDECLINE,
  DHCPDISCOVER,
  DHCPNAK,
  DHCPOFFER,
  DHCPRELEASE,
  DHCPREQUEST,
  Option,
} from '../../../lib/config/dhcp4/message.js';
import { FakeClock } from '../../support/fake-clock.js';
import { dhcp4Reply, leaseOptions, type Options, tlv } from '../../support/packets.js';

const MAC = '02:00:00:00:00:01';
const NAMES: Record<number, string> = {
  [DHCPDISCOVER]: 'discover',
  [DHCPREQUEST]: 'request',
  [DHCPDECLINE]: 'decline',
  [DHCPRELEASE]: 'release',
};

/** A client on a link that only the test hears, and what happened, in order. */
class Scene {
  readonly clock = new FakeClock();
  readonly events: string[] = [];
  readonly client: Dhcp4Client;
  listening = 'nothing';
  sent: {
    type: number;
    xid: number;
    secs: number;
    how: string;
    at: number;
    options: Map<number, Uint8Array>;
    ciaddr: string;
  }[] = [];

  constructor(options: Partial<Dhcp4Options> = {}) {
    const transport: Dhcp4Transport = {
      listen: (to) => {
        this.listening = to;
      },
      broadcast: (message) => this.#sent(message, 'broadcast'),
      unicast: (message, server) => this.#sent(message, server),
      sendRelease: (message, server, _address, mac) => this.#sent(message, `${server} at ${mac}`),
      arp: () => this.events.push('arp'),
    };
    const told = (name: string) => (lease: Dhcp4Lease, reason?: string) => {
      this.events.push(`${name} ${lease.address}${reason ? ` ${reason}` : ''}`);
    };
    const events = { onBound: told('bound'), onRenewed: told('renewed'), onLost: told('lost') };
    this.client = new Dhcp4Client(transport, this.clock, events, { mac: MAC, probeTime: 0.06, ...options });
  }

  /** The server's message, with the number of the client's last one. */
  reply(
    type: number,
    {
      extra = [] as Options,
      lease = 120,
      yiaddr = [10, 0, 0, 50],
      xid = this.last.xid,
      mac = [2, 0, 0, 0, 0, 1],
      from = null as string | null,
    } = {},
  ) {
    this.client.receive(dhcp4Reply({ xid, yiaddr, mac, options: leaseOptions(type, extra, lease) }), from);
  }

  nak(server = [10, 0, 0, 1]) {
    const options = concat(
      tlv([
        [Option.MESSAGE_TYPE, [DHCPNAK]],
        [Option.SERVER_ID, server],
        [Option.MESSAGE, Buffer.from('wrong network')],
      ]),
      Uint8Array.of(255),
    );
    this.client.receive(dhcp4Reply({ xid: this.last.xid, yiaddr: [0, 0, 0, 0], options }));
  }

  bind(lease = 120) {
    this.client.start();
    this.reply(DHCPOFFER, { lease });
    this.reply(DHCPACK, { lease });
    this.clock.advance(0.06);
  }

  get last() {
    return this.sent.at(-1)!;
  }

  take(): string[] {
    const names = this.sent.map(({ type, how }) => `${NAMES[type]} ${how}`);
    this.sent = [this.last];
    return names;
  }

  #sent(message: Uint8Array, how: string): void {
    const reader = new Reader(message);
    reader.take(4);
    const xid = reader.u32()!;
    const secs = reader.u16()!;
    reader.take(2);
    const ciaddr = ipText(reader.take(4)!);
    reader.take(224);
    const options = new Map<number, Uint8Array>();
    for (let code = reader.u8()!; code !== 255; code = reader.u8()!) options.set(code, reader.take(reader.u8()!)!);
    const type = options.get(Option.MESSAGE_TYPE)![0]!;
    this.events.push(`${NAMES[type]} ${how}`);
    this.sent.push({ type, xid, secs, how, at: this.clock.now(), options, ciaddr });
  }
}

test('discover, offer, request, ack, three probes, bound', () => {
  const scene = new Scene({ fqdn: 'host.example.org' });
  scene.bind();
  expect(scene.events).toEqual(['discover broadcast', 'request broadcast', 'arp', 'arp', 'arp', 'bound 10.0.0.50']);
  expect(scene.client.lease).toMatchObject({ address: '10.0.0.50', leaseTime: 120, t1: 60, t2: 105 });
  expect(scene.listening).toBe('nothing');
  const { options } = scene.last;
  expect([...options.get(Option.REQUESTED_ADDRESS)!]).toEqual([10, 0, 0, 50]);
  expect([...options.get(Option.SERVER_ID)!]).toEqual([10, 0, 0, 1]);
  expect(Buffer.from(options.get(Option.FQDN)!).toString('latin1')).toBe('\x05\0\0\x04host\x07example\x03org\0');
  // RFC 2131 4.4.1: the request goes on with the number of the discovery
  expect(new Set(scene.sent.map(({ xid }) => xid)).size).toBe(1);
});

test('an unanswered discovery is repeated at growing intervals, with one number', () => {
  const scene = new Scene();
  scene.client.start();
  scene.clock.advance(10);
  const times = scene.sent.map(({ at }) => at - 1000);
  expect(times.length).toBe(5);
  expect(times[1]).toBeGreaterThan(0.4);
  for (let i = 2; i < times.length; i++) {
    expect(times[i]! - times[i - 1]!).toBeGreaterThan((times[i - 1]! - times[i - 2]!) * 1.5);
  }
  expect(new Set(scene.sent.map(({ xid }) => xid)).size).toBe(1);
  expect(scene.client.failure).toEqual({ code: 'ETIMEDOUT', hint: 'no DHCP server answered' });
});

test('each DISCOVER has the seconds since the first one, each REQUEST those of the last DISCOVER (RFC 2131 3.1)', () => {
  const scene = new Scene();
  scene.client.start();
  scene.clock.advance(5);
  const { secs } = scene.last;
  expect(secs).toBeGreaterThan(0);
  scene.reply(DHCPOFFER);
  scene.clock.advance(2);
  const requests = scene.sent.filter(({ type }) => type === DHCPREQUEST);
  expect(requests.length).toBeGreaterThan(1);
  expect(new Set(requests.map((each) => each.secs))).toEqual(new Set([secs]));
  scene.reply(DHCPACK);
  scene.clock.advance(62);
  expect(scene.last).toMatchObject({ type: DHCPREQUEST, secs: 0 });
});

test('what is not for this client is ignored', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(DHCPOFFER, { xid: scene.last.xid ^ 1 });
  scene.reply(DHCPOFFER, { mac: [2, 0, 0, 0, 0, 2] });
  scene.reply(DHCPACK);
  scene.reply(DHCPOFFER, { lease: 0 });
  scene.client.receive(new Uint8Array(10));
  expect(scene.client.state).toBe('selecting');
  scene.reply(DHCPOFFER);
  scene.reply(DHCPACK, { yiaddr: [10, 0, 0, 51] });
  // the first bytes of an option count: those of another server
  const other = tlv([[Option.SERVER_ID, [10, 0, 0, 9]]]);
  scene.client.receive(dhcp4Reply({ xid: scene.last.xid, options: concat(other, leaseOptions(DHCPACK)) }));
  expect(scene.client.state).toBe('requesting');
});

test.each<[string, Uint8Array]>([
  ['an offer of 10.0.0.50 was dropped: it has no lease time (option 51)', leaseOptions(DHCPOFFER, [], 0)],
  [
    'an offer of 10.0.0.50 was dropped: it does not say which server it is from (option 54)',
    tlv([[Option.MESSAGE_TYPE, [DHCPOFFER]]]),
  ],
  ['an answer of a DHCP server was dropped: it cannot be read', Uint8Array.of(Option.MESSAGE_TYPE, 1, 2, 6, 9)],
])('%s', (hint, options) => {
  const scene = new Scene();
  scene.client.start();
  scene.client.receive(dhcp4Reply({ xid: scene.last.xid ^ 1, options }));
  expect(scene.client.failure.hint).toBe('no DHCP server answered');
  scene.client.receive(dhcp4Reply({ xid: scene.last.xid, options }));
  expect(scene.client.failure).toEqual({ code: 'ETIMEDOUT', hint });
  scene.reply(DHCPOFFER);
  scene.nak();
  scene.client.receive(dhcp4Reply({ xid: scene.last.xid, options }));
  expect(scene.client.failure.code).toBe('ECANCELED');
});

test('of two offers the first is taken; a request without answer begins again', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(DHCPOFFER);
  scene.reply(DHCPOFFER, { yiaddr: [10, 0, 0, 60] });
  expect([...scene.last.options.get(Option.REQUESTED_ADDRESS)!]).toEqual([10, 0, 0, 50]);
  scene.clock.advance(10);
  const sent = scene.take();
  expect(sent.slice(0, 5)).toEqual(['discover broadcast', ...new Array(4).fill('request broadcast')]);
  expect(sent.length).toBeGreaterThan(5);
  expect(new Set(sent.slice(5))).toEqual(new Set(['discover broadcast']));
});

test('an offer of the address that was asked for is no acknowledgement', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(DHCPOFFER);
  scene.reply(DHCPOFFER);
  expect(scene.client.state).toBe('requesting');
  scene.reply(DHCPACK);
  scene.clock.advance(61);
  scene.reply(DHCPOFFER);
  expect(scene.client.state).toBe('renewing');
  scene.clock.advance(45);
  scene.reply(DHCPOFFER);
  expect(scene.client.state).toBe('rebinding');
});

test('NAK to a request: again from the beginning, after a pause', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(DHCPOFFER);
  scene.nak([10, 0, 0, 9]);
  expect(scene.client.state).toBe('requesting');
  scene.nak();
  expect(scene.client.failure).toEqual({
    code: 'ECANCELED',
    hint: 'the server 10.0.0.1 refused the address: wrong network',
  });
  expect(scene.take()).toEqual(['discover broadcast', 'request broadcast']);
  scene.clock.advance(1);
  expect(scene.last.type).toBe(DHCPDISCOVER);
  scene.reply(DHCPOFFER);
  scene.reply(DHCPACK);
  scene.clock.advance(1);
  expect(scene.client.state).toBe('bound');
});

test('an address that another host has is declined', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(DHCPOFFER);
  scene.reply(DHCPACK);
  scene.client.receiveArp(encodeArpProbe(MAC, '10.0.0.50'));
  scene.client.receiveArp(new Uint8Array(5));
  expect(scene.client.state).toBe('probing');
  scene.client.receiveArp(encodeArpProbe('02:00:00:00:00:02', '10.0.0.50'));
  expect(scene.last.type).toBe(DHCPDECLINE);
  expect([...scene.last.options.get(Option.REQUESTED_ADDRESS)!]).toEqual([10, 0, 0, 50]);
  expect(scene.client.failure).toMatchObject({ code: 'EADDRINUSE' });
  scene.clock.advance(0);
  expect(scene.last.type).toBe(DHCPDISCOVER);
  // a second time it waits, as RFC 2131 3.1.5 asks
  scene.reply(DHCPOFFER);
  scene.reply(DHCPACK);
  scene.client.receiveArp(encodeArpProbe('02:00:00:00:00:02', '10.0.0.50'));
  scene.clock.advance(9);
  expect(scene.last.type).toBe(DHCPDECLINE);
  scene.clock.advance(1);
  expect(scene.last.type).toBe(DHCPDISCOVER);
  expect(scene.events.filter((event) => event.startsWith('bound'))).toEqual([]);
});

describe('a lease of two minutes', () => {
  test('is renewed at T1 by its server, from its address', () => {
    const scene = new Scene();
    scene.bind();
    scene.take();
    scene.clock.advance(59);
    expect(scene.sent.length).toBe(1);
    scene.clock.advance(1);
    expect(scene.take()).toEqual(['request broadcast', 'request 10.0.0.1']);
    expect(scene.listening).toBe('host');
    expect(scene.last.ciaddr).toBe('10.0.0.50');
    expect(scene.last.options.has(Option.REQUESTED_ADDRESS)).toBe(false);
    expect(scene.last.options.has(Option.SERVER_ID)).toBe(false);
    scene.reply(DHCPACK, { lease: 200 });
    expect(scene.events.at(-1)).toBe('renewed 10.0.0.50');
    expect(scene.listening).toBe('nothing');
    scene.clock.advance(99);
    expect(scene.sent.length).toBe(1);
    scene.clock.advance(2);
    expect(scene.client.state).toBe('renewing');
  });

  test('whose server died is asked for of everybody from T2 on, then lost', () => {
    const scene = new Scene();
    scene.bind();
    scene.take();
    scene.clock.advance(104);
    const renewals = scene.take().slice(1);
    expect(renewals.length).toBeGreaterThan(2);
    expect(new Set(renewals)).toEqual(new Set(['request 10.0.0.1']));
    scene.clock.advance(2);
    expect(scene.client.state).toBe('rebinding');
    scene.clock.advance(13);
    expect(new Set(scene.take().slice(1))).toEqual(new Set(['request broadcast']));
    expect(scene.events.filter((event) => event.startsWith('lost'))).toEqual([]);
    scene.clock.advance(1);
    expect(scene.events.at(-2)).toBe('lost 10.0.0.50 expired');
    expect(scene.client.state).toBe('selecting');
    expect(scene.client.lease).toBeNull();
  });

  test('may be extended by another server after T2', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(106);
    scene.reply(DHCPACK, { extra: [[Option.SERVER_ID, []]] });
    expect(scene.events.at(-1)).toBe('renewed 10.0.0.50');
  });

  test('that the server takes back is lost at once', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(61);
    scene.nak();
    expect(scene.events.at(-2)).toBe('lost 10.0.0.50 refused');
    expect(scene.last.type).toBe(DHCPDISCOVER);
    scene.reply(DHCPOFFER, { yiaddr: [10, 0, 0, 60] });
    scene.reply(DHCPACK, { yiaddr: [10, 0, 0, 60] });
    scene.clock.advance(1);
    expect(scene.events.at(-1)).toBe('bound 10.0.0.60');
  });

  test('cannot be renewed to another address', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(61);
    scene.reply(DHCPACK, { yiaddr: [10, 0, 0, 60] });
    expect(scene.client.state).toBe('renewing');
  });
});

test('a long lease is asked for at most once a minute', () => {
  const scene = new Scene();
  scene.bind(86400);
  scene.take();
  scene.clock.advance(86399);
  const gaps = scene.sent.slice(2).map(({ at }, i) => at - scene.sent[i + 1]!.at);
  // but for the first one to everybody, at T2
  expect(gaps.filter((gap) => gap < 59).length).toBeLessThanOrEqual(1);
  expect(scene.sent.length).toBeGreaterThan(10);
});

test('a lease for ever is never renewed; a lease of a second not more often than that', () => {
  const forever = new Scene();
  forever.bind(0xffffffff);
  expect(forever.clock.pending).toBe(0);
  const short = new Scene();
  short.bind(1);
  short.take();
  for (let i = 0; i < 60; i++) {
    short.clock.advance(1);
    if (short.client.state !== 'selecting') short.reply(DHCPACK, { lease: 1 });
  }
  expect(short.sent.length).toBeLessThan(70);
});

test('a release goes to the server, from the address; without a lease there is nothing to release', () => {
  const scene = new Scene();
  scene.bind();
  scene.client.stop({ release: true });
  expect(scene.events.at(-1)).toBe('release 10.0.0.1 at null');
  expect(scene.last.ciaddr).toBe('10.0.0.50');
  expect([...scene.last.options.get(Option.SERVER_ID)!]).toEqual([10, 0, 0, 1]);
  expect(scene.clock.pending).toBe(0);
  const early = new Scene();
  early.client.start();
  early.client.stop({ release: true });
  expect(early.events).toEqual(['discover broadcast']);
  expect(early.clock.pending).toBe(0);
});

test('a release goes to the MAC address that the lease came from, not to that of an offer or of an earlier server', () => {
  const scene = new Scene();
  const bind = () => {
    scene.client.start();
    scene.reply(DHCPOFFER, { from: '02:00:00:00:00:08' });
    scene.reply(DHCPACK, { from: '02:00:00:00:00:09' });
    scene.reply(DHCPOFFER, { from: '02:00:00:00:00:08' });
    scene.clock.advance(61);
  };
  bind();
  scene.reply(DHCPACK);
  scene.client.stop({ release: true });
  expect(scene.events.at(-1)).toBe('release 10.0.0.1 at 02:00:00:00:00:09');
  bind();
  scene.clock.advance(45);
  // the first bytes of an option count: those of another server
  const other = tlv([[Option.SERVER_ID, [10, 0, 0, 9]]]);
  scene.client.receive(dhcp4Reply({ xid: scene.last.xid, options: concat(other, leaseOptions(DHCPACK)) }));
  scene.client.stop({ release: true });
  expect(scene.events.at(-1)).toBe('release 10.0.0.9 at null');
});

test('a client that is stopped by what it tells stays stopped', () => {
  const scene = new Scene();
  scene.bind();
  scene.events.push = (event) => {
    if (event.startsWith('lost')) scene.client.stop();
    return 0;
  };
  scene.clock.advance(200);
  expect(scene.client.state).toBe('stopped');
  expect(scene.clock.pending).toBe(0);
});

test('the previous address is asked for', () => {
  const scene = new Scene({ requestedAddress: '10.0.0.77' });
  scene.client.start();
  expect([...scene.last.options.get(Option.REQUESTED_ADDRESS)!]).toEqual([10, 0, 0, 77]);
});
