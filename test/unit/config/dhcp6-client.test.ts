import { ipBytes } from '../../../lib/address/ip.js';
import { concat, Reader, u16, u32 } from '../../../lib/config/bytes.js';
import { Dhcp6Client, type Dhcp6Lease } from '../../../lib/config/dhcp6/client.js';
import {
  ADVERTISE,
  duidLlt,
  INFORMATION_REQUEST,
  Option,
  REBIND,
  RELEASE,
  RENEW,
  REPLY,
  REQUEST,
  SOLICIT,
  Status,
} from '../../../lib/config/dhcp6/message.js';
import { FakeClock } from '../../support/fake-clock.js';
import { option6 } from '../../support/packets.js';

const DUID = duidLlt('02:00:00:00:00:01', 0);
const IAID = 7;
const SERVER = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 9);
const OTHER = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 8);

type Address = [text: string, preferred: number, valid: number];

class Scene {
  readonly clock = new FakeClock();
  readonly events: string[] = [];
  readonly client: Dhcp6Client;
  listening = false;
  sent: { type: number; xid: number; at: number; options: Map<number, Uint8Array> }[] = [];

  constructor() {
    const told = (name: string) => (lease: Dhcp6Lease, reason?: string) => {
      const addresses = lease.addresses.map(({ address }) => address).join();
      this.events.push([name, addresses, reason].filter(Boolean).join(' '));
    };
    const events = { onBound: told('bound'), onRenewed: told('renewed'), onLost: told('lost') };
    const transport = {
      listen: (on: boolean) => {
        this.listening = on;
      },
      send: (message: Uint8Array) => this.#sent(message),
    };
    this.client = new Dhcp6Client(transport, this.clock, events, { duid: DUID, iaid: IAID });
  }

  reply(
    type: number,
    addresses: Address[] | null,
    { server = SERVER, extra = [] as Uint8Array[], t1 = 0, t2 = 0, iaid = IAID } = {},
  ) {
    const inner = (addresses ?? []).map(([text, preferred, valid]) =>
      option6(Option.IAADDR, ipBytes(text), u32(preferred), u32(valid)),
    );
    const ia = addresses ? option6(Option.IA_NA, u32(iaid), u32(t1), u32(t2), ...inner) : new Uint8Array();
    const { xid } = this.sent.at(-1)!;
    const header = Uint8Array.of(type, xid >> 16, (xid >> 8) & 0xff, xid & 0xff);
    this.client.receive(concat(header, option6(1, DUID), option6(2, server), ia, ...extra));
  }

  bind(address: Address = ['fd00::50', 100, 200]) {
    this.client.start();
    this.reply(ADVERTISE, [address]);
    this.clock.advance(0.1);
    this.reply(REPLY, [address]);
  }

  types(): number[] {
    return this.sent.splice(0, this.sent.length - 1).map(({ type }) => type);
  }

  #sent(message: Uint8Array): void {
    const reader = new Reader(message);
    const type = reader.u8()!;
    const xid = reader.u8()! * 65536 + reader.u16()!;
    const options = new Map<number, Uint8Array>();
    while (reader.left > 0) options.set(reader.u16()!, reader.take(reader.u16()!)!);
    this.sent.push({ type, xid, at: this.clock.now(), options });
  }
}

const last = (scene: Scene) => scene.sent.at(-1)!;

test('solicit, advertise, request, reply', () => {
  const scene = new Scene();
  scene.bind();
  expect(scene.sent.map(({ type }) => type)).toEqual([SOLICIT, REQUEST]);
  expect(scene.events).toEqual(['bound fd00::50']);
  expect([...last(scene).options.get(Option.SERVER_ID)!]).toEqual([...SERVER]);
  expect(scene.client.lease).toMatchObject({ server: '00030001020000000009', t1: 50, t2: 80 });
  expect(scene.listening).toBe(false);
});

test('an unanswered solicitation is repeated at growing intervals, and tells how long it tries', () => {
  const scene = new Scene();
  scene.client.start();
  scene.clock.advance(20);
  expect(scene.sent.length).toBe(5);
  const elapsed = scene.sent.map(({ options }) => new Reader(options.get(Option.ELAPSED_TIME)!).u16()!);
  expect(elapsed[0]).toBe(0);
  expect(elapsed[4]).toBeGreaterThan(1300);
  expect(scene.client.failure.code).toBe('ETIMEDOUT');
});

test('of two servers the one with the higher preference is taken; 255 ends the wait', () => {
  const preference = (value: number) => [option6(Option.PREFERENCE, Uint8Array.of(value))];
  const scene = new Scene();
  scene.client.start();
  scene.reply(ADVERTISE, [['fd00::50', 100, 200]]);
  scene.reply(ADVERTISE, [['fd00::60', 100, 200]], { server: OTHER, extra: preference(7) });
  scene.clock.advance(0.1);
  expect([...last(scene).options.get(Option.SERVER_ID)!]).toEqual([...OTHER]);
  const quick = new Scene();
  quick.client.start();
  quick.reply(ADVERTISE, [['fd00::50', 100, 200]], { extra: preference(255) });
  quick.clock.advance(0);
  expect(last(quick).type).toBe(REQUEST);
});

test('what is not for this client is ignored', () => {
  const scene = new Scene();
  scene.client.start();
  scene.client.receive(new Uint8Array(3));
  scene.client.receive(concat(Uint8Array.of(ADVERTISE, 0, 0, 0), option6(1, DUID), option6(2, SERVER)));
  scene.reply(REPLY, [['fd00::50', 100, 200]]);
  scene.clock.advance(0.5);
  expect(scene.sent.length).toBe(1);
  scene.reply(ADVERTISE, [['fd00::50', 100, 200]], { iaid: 8 });
  scene.clock.advance(0.2);
  // addresses for another interface: at most options can be had
  expect(last(scene).type).toBe(INFORMATION_REQUEST);
});

test('a server that has only options gives those', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(ADVERTISE, null, { extra: [option6(Option.STATUS_CODE, u16(Status.NO_ADDRS_AVAIL))] });
  scene.clock.advance(0.1);
  expect(last(scene).type).toBe(INFORMATION_REQUEST);
  expect(last(scene).options.has(Option.IA_NA)).toBe(false);
  scene.reply(REPLY, null, { extra: [option6(Option.DNS_SERVERS, ipBytes('fd00::1')), option6(32, u32(700))] });
  expect(scene.events).toEqual(['bound']);
  expect(scene.client.lease).toMatchObject({ addresses: [], dns: ['fd00::1'] });
  scene.clock.advance(700);
  expect(last(scene).type).toBe(INFORMATION_REQUEST);
  scene.reply(REPLY, null);
  expect(scene.events).toEqual(['bound', 'renewed']);
});

test('a refused request begins again', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(ADVERTISE, [['fd00::50', 100, 200]]);
  scene.clock.advance(0.1);
  scene.reply(REPLY, [], { extra: [option6(Option.STATUS_CODE, u16(1), Buffer.from('go away'))] });
  expect(scene.client.failure).toEqual({ code: 'ECANCELED', hint: 'the DHCPv6 server refused the request: go away' });
  scene.clock.advance(1);
  expect(last(scene).type).toBe(SOLICIT);
});

test('a request without answer begins again after ten times', () => {
  const scene = new Scene();
  scene.client.start();
  scene.reply(ADVERTISE, [['fd00::50', 100, 200]]);
  scene.clock.advance(400);
  const types = scene.sent.map(({ type }) => type);
  expect(types.filter((type) => type === REQUEST).length).toBe(10);
  expect(types.at(-1)).toBe(SOLICIT);
});

describe('the longest pause', () => {
  const solMaxRt = (seconds: number) => option6(Option.SOL_MAX_RT, u32(seconds));
  /** The pauses of what is sent within a day, when the first has been sent. */
  const pauses = (scene: Scene) => {
    scene.sent.splice(0, scene.sent.length - 1);
    scene.clock.advance(86_400);
    return scene.sent.slice(1).map(({ at }, i) => at - scene.sent[i]!.at);
  };
  const longest = (scene: Scene) => Math.max(...pauses(scene));

  test('between solicitations is that of SOL_MAX_RT (RFC 8415 21.24)', () => {
    const scene = new Scene();
    scene.client.start();
    scene.reply(ADVERTISE, [['fd00::50', 100, 200]]);
    scene.clock.advance(0.1);
    scene.reply(REPLY, [['fd00::50', 100, 200]], { extra: [solMaxRt(60)] });
    scene.clock.advance(200);
    expect(scene.client.state).toBe('soliciting');
    expect(longest(scene)).toBeLessThanOrEqual(66);
  });

  test('between information-requests is that of INF_MAX_RT (RFC 8415 21.25)', () => {
    const scene = new Scene();
    scene.client.start();
    scene.reply(ADVERTISE, null, { extra: [option6(Option.INF_MAX_RT, u32(100))] });
    scene.clock.advance(0.1);
    expect(last(scene).type).toBe(INFORMATION_REQUEST);
    expect(longest(scene)).toBeLessThanOrEqual(110);
  });

  test('is the default where servers advertise different ones, or none that is valid', () => {
    const scene = new Scene();
    scene.client.start();
    scene.reply(ADVERTISE, [['fd00::50', 100, 200]], { extra: [solMaxRt(60)] });
    scene.reply(ADVERTISE, [['fd00::60', 100, 200]], { server: OTHER, extra: [solMaxRt(90)] });
    scene.clock.advance(0.1);
    scene.reply(REPLY, [['fd00::50', 100, 200]], { extra: [solMaxRt(59)] });
    scene.clock.advance(200);
    expect(longest(scene)).toBeGreaterThan(3200);
  });
});

describe('a lease', () => {
  test('is renewed at T1 by its server', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(50);
    expect(last(scene).type).toBe(RENEW);
    expect([...last(scene).options.get(Option.SERVER_ID)!]).toEqual([...SERVER]);
    scene.reply(REPLY, [['fd00::50', 100, 200]], { t1: 10, t2: 20 });
    expect(scene.events.at(-1)).toBe('renewed fd00::50');
    scene.clock.advance(10);
    expect(scene.client.state).toBe('renewing');
  });

  test('whose server died is asked for of everybody from T2 on, then lost', () => {
    const scene = new Scene();
    scene.bind();
    scene.types();
    scene.clock.advance(79);
    expect(new Set(scene.types().slice(1))).toEqual(new Set([RENEW]));
    scene.clock.advance(2);
    expect(last(scene).type).toBe(REBIND);
    expect(last(scene).options.has(Option.SERVER_ID)).toBe(false);
    scene.clock.advance(118);
    expect(scene.events).toEqual(['bound fd00::50']);
    scene.clock.advance(1);
    expect(scene.events).toEqual(['bound fd00::50', 'lost fd00::50 expired']);
    expect(scene.client.state).toBe('soliciting');
  });

  test('that the server does not know is lost, and another asked for', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(51);
    const { xid } = last(scene);
    const ia = option6(3, u32(IAID), u32(0), u32(0), option6(Option.STATUS_CODE, u16(Status.NO_BINDING)));
    const header = Uint8Array.of(REPLY, xid >> 16, (xid >> 8) & 0xff, xid & 0xff);
    scene.client.receive(concat(header, option6(1, DUID), option6(2, SERVER), ia));
    expect(scene.events.at(-1)).toBe('lost fd00::50 refused');
    expect(last(scene).type).toBe(SOLICIT);
  });

  test('loses each address in its own time', () => {
    const scene = new Scene();
    scene.client.start();
    const both: Address[] = [
      ['fd00::50', 1000, 1000],
      ['fd00::51', 2000, 2000],
    ];
    scene.reply(ADVERTISE, both);
    scene.clock.advance(0.1);
    scene.reply(REPLY, both, { t1: 5000, t2: 5000 });
    scene.clock.advance(1000);
    expect(scene.events.at(-1)).toBe('renewed fd00::51');
    scene.clock.advance(1000);
    expect(scene.events.at(-1)).toBe('lost fd00::51 expired');
  });

  test('with valid lifetime 0 is taken back', () => {
    const scene = new Scene();
    scene.bind();
    scene.clock.advance(51);
    scene.reply(REPLY, [['fd00::50', 0, 0]]);
    expect(scene.events.at(-1)).toBe('lost fd00::50 refused');
    expect(scene.client.state).toBe('soliciting');
  });

  test('for ever is never renewed', () => {
    const scene = new Scene();
    scene.bind(['fd00::50', 0xffffffff, 0xffffffff]);
    expect(scene.clock.pending).toBe(0);
  });

  test('is released', () => {
    const scene = new Scene();
    scene.bind();
    scene.client.stop({ release: true });
    expect(last(scene).type).toBe(RELEASE);
    expect(Buffer.from(last(scene).options.get(Option.IA_NA)!).includes(Buffer.from(ipBytes('fd00::50')))).toBe(true);
    expect(scene.clock.pending).toBe(0);
    expect(scene.listening).toBe(false);
  });
});
