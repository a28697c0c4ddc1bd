import { addressNumber } from '../../../lib/fabric/nat/ipv4-packet.js';
import { Nat, NatInside } from '../../../lib/fabric/nat/nat.js';
import { checkNat, type NatBehavior, type NatDependence, type NatType } from '../../../lib/fabric/nat/options.js';
import { describeFrame } from '../../../lib/vde/describe-frame.js';
import { randomOf } from '../../support/fuzz-values.js';
import {
  echo,
  IN,
  icmpError,
  type PacketOptions,
  tcp,
  udp,
  udpFragments,
  wrongChecksums,
} from '../../support/ip-frames.js';

/* The NAT by itself, packet by packet. REQ-… are the requirements of RFC 4787 (U), 5382 (T) and 5508 (I). */

const OUTSIDE = '203.0.113.2';
const [ALICE, CAROL] = ['192.168.1.2', '192.168.1.3'];
const [PEER, OTHER] = ['203.0.113.9', '198.51.100.7'];
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

/** What a frame says from where to where, or why it was dropped. */
class Tried {
  readonly nat: Nat;
  readonly events: string[] = [];
  now = 1000;

  constructor(behavior: NatType | NatBehavior = {}, addresses: readonly string[] = [OUTSIDE], seed = 1) {
    const settings = {
      name: 'fritz',
      plan: checkNat('nat', behavior),
      addresses: addresses.map(addressNumber),
      mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
      pid: -1,
    };
    this.nat = new Nat(seed, settings, ({ inside, outside }, isMade) => {
      this.events.push(`${isMade ? 'made' : 'ended'} ${inside} ${outside}`);
    });
    this.nat.watch(true);
  }

  out(frame: Buffer): string {
    return this.#say(frame, this.nat.fromHost(frame, frame.length, this.now));
  }

  in(frame: Buffer): string {
    return this.#say(frame, this.nat.toHost(frame, frame.length, this.now));
  }

  inside(frame: Buffer): string {
    return this.#say(frame, new NatInside(this.nat).toHost(frame, frame.length, this.now));
  }

  #say(frame: Buffer, verdict: string): string {
    if (verdict === 'drop' || verdict === 'hold') return this.nat.note ?? verdict;
    expect(wrongChecksums(frame)).toBe('');
    const [, from, to] = /^IP ([\d.]+) > ([\d.]+):/.exec(describeFrame(frame)) ?? [];
    const text = (endpoint = '') => endpoint.replace(/^(\d+\.\d+\.\d+\.\d+)\./, '$1:');
    return `${verdict === 'back' ? 'back ' : ''}${text(from)} > ${text(to)}`;
  }

  /** The port outside of a datagram. */
  port(from: string, to = `${PEER}:9`): number {
    return Number(/:(\d+) >/.exec(this.out(udp(from, to)))?.[1]);
  }
}

const ENDPOINT = 'endpoint-independent';
const ADDRESS = 'address-dependent';
const BOTH = 'address-and-port-dependent';

describe('mapping and filtering (U: REQ-1, REQ-8)', () => {
  const kinds: NatDependence[] = [ENDPOINT, ADDRESS, BOTH];

  it.each(kinds)('maps %s', (mapping) => {
    const nat = new Tried({ mapping, ports: 'random' });
    const [first, again, port, address] = [`${PEER}:9`, `${PEER}:9`, `${PEER}:10`, `${OTHER}:9`].map((to) =>
      nat.port(`${ALICE}:5000`, to),
    );
    expect(again).toBe(first);
    expect([port === first, address === first]).toEqual([mapping !== BOTH, mapping === ENDPOINT]);
  });

  it.each(kinds)('filters %s', (filtering) => {
    const nat = new Tried({ filtering });
    expect(nat.out(udp(`${ALICE}:5000`, `${PEER}:9`))).toBe(`${OUTSIDE}:5000 > ${PEER}:9`);
    const from = (remote: string) => nat.in(udp(remote, `${OUTSIDE}:5000`, IN)) === `${remote} > ${ALICE}:5000`;
    expect(from(`${PEER}:9`)).toBe(true);
    expect([from(`${PEER}:10`), from(`${OTHER}:9`)]).toEqual([filtering !== BOTH, filtering === ENDPOINT]);
  });

  it.each<[NatType, NatDependence, NatDependence]>([
    ['full-cone', ENDPOINT, ENDPOINT],
    ['restricted-cone', ENDPOINT, ADDRESS],
    ['port-restricted', ENDPOINT, BOTH],
    ['symmetric', BOTH, BOTH],
    ['home', ENDPOINT, BOTH],
    ['cgnat', ENDPOINT, BOTH],
    ['cloud', BOTH, BOTH],
    ['corporate', BOTH, BOTH],
  ])('%s is %s and %s', (type, mapping, filtering) => {
    expect(checkNat('nat', type)).toMatchObject({ type, mapping, filtering });
  });

  it('drops what has no mapping, and what is not for it', () => {
    const nat = new Tried('full-cone');
    expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:5000`, IN))).toBe('dropped: nat: no mapping');
    expect(nat.in(tcp(`${PEER}:9`, `${OUTSIDE}:80`, SYN, IN))).toBe('dropped: nat: no mapping');
    expect(nat.in(udp(`${PEER}:9`, `${ALICE}:5000`, IN))).toBe(`dropped: nat: ${ALICE} is not its address`);
    expect(nat.in(udp(`${PEER}:9`, `${OTHER}:5000`))).toBe(`${PEER}:9 > ${OTHER}:5000`); // another MAC: not for the router
  });

  it('a datagram without a checksum stays without one', () => {
    const nat = new Tried();
    const frame = udp(`${ALICE}:5000`, `${PEER}:9`, { hasChecksum: false });
    expect(nat.out(frame)).toBe(`${OUTSIDE}:5000 > ${PEER}:9`);
    expect(frame.readUInt16BE(14 + 20 + 6)).toBe(0);
  });
});

describe('ports (U: REQ-3, REQ-4)', () => {
  it('keeps the port if it is free, and takes another one', () => {
    const nat = new Tried();
    expect([nat.port(`${ALICE}:5000`), nat.port(`${CAROL}:5000`), nat.port(`${CAROL}:5001`)]).toEqual([
      5000, 5001, 5002,
    ]);
    expect(nat.port(`${CAROL}:500`)).toBe(500);
  });

  it('never lets two mappings share a port, in the same protocol', () => {
    const nat = new Tried({ mapping: BOTH });
    expect([nat.port(`${ALICE}:5000`), nat.port(`${ALICE}:5000`, `${OTHER}:9`)]).toEqual([5000, 5001]);
    expect(nat.out(tcp(`${CAROL}:5000`, `${PEER}:9`, SYN))).toBe(`${OUTSIDE}:5000 > ${PEER}:9`);
  });

  it('counts up', () => {
    const nat = new Tried({ ports: 'sequential', mapping: BOTH });
    const ports = [`${PEER}:9`, `${PEER}:10`, `${OTHER}:9`].map((to) => nat.port(`${ALICE}:5000`, to));
    expect(ports).toEqual([10_000, 10_001, 10_002]);
  });

  it('chooses at random, by the seed', () => {
    const ports = (seed: number) => {
      const nat = new Tried({ ports: 'random' }, [OUTSIDE], seed);
      return [1, 2, 3, 4, 5].map((i) => nat.port(`${ALICE}:${5000 + i}`));
    };
    expect(ports(1)).toEqual(ports(1));
    expect(ports(1)).not.toEqual(ports(2));
    expect(new Set(ports(1)).size).toBe(5);
    expect(Math.min(...ports(1))).toBeGreaterThanOrEqual(1024);
  });

  it('what a host gets does not depend on other hosts', () => {
    const alone = new Tried({ ports: 'random' });
    const beside = new Tried({ ports: 'random' });
    beside.port(`${CAROL}:7000`);
    expect([1, 2].map((i) => beside.port(`${ALICE}:${i}000`))).toEqual(
      [1, 2].map((i) => alone.port(`${ALICE}:${i}000`)),
    );
  });

  it('keeps even and odd', () => {
    const nat = new Tried({ ports: 'random', parity: true });
    for (let port = 5000; port < 5020; port++) expect(nat.port(`${ALICE}:${port}`) % 2).toBe(port % 2);
  });

  it('says that no port is free', () => {
    const nat = new Tried();
    for (let port = 1; port < 1024; port++) nat.port(`${ALICE}:${port}`);
    expect(nat.out(udp(`${CAROL}:5`, `${PEER}:9`))).toBe('dropped: nat: no port is free');
    expect(nat.port(`${CAROL}:5000`)).toBe(5000);
  });
});

describe('addresses (U: REQ-2)', () => {
  const POOL = [OUTSIDE, '203.0.113.10'];
  const addresses = (nat: Tried) =>
    [`${ALICE}:1111`, `${CAROL}:2222`, `${ALICE}:3333`, `${CAROL}:4444`].map((from) => nat.out(udp(from, `${PEER}:9`)));

  it('paired: a host has one of them', () => {
    expect(addresses(new Tried({ pooling: 'paired' }, POOL))).toEqual([
      `${OUTSIDE}:1111 > ${PEER}:9`,
      `203.0.113.10:2222 > ${PEER}:9`,
      `${OUTSIDE}:3333 > ${PEER}:9`,
      `203.0.113.10:4444 > ${PEER}:9`,
    ]);
  });

  it('arbitrary: each mapping has the next one', () => {
    const texts = addresses(new Tried({ pooling: 'arbitrary' }, POOL)).map((text) => text.split(':')[0]);
    expect(texts).toEqual([...POOL, ...POOL]);
  });
});

describe('time (U: REQ-5, REQ-6; T: REQ-5; I: REQ-1)', () => {
  it('a mapping ends after its time, and packets that go out keep it', () => {
    const nat = new Tried({ timeouts: { udp: 2 } });
    const isIn = () => nat.in(udp(`${PEER}:9`, `${OUTSIDE}:5000`, IN)).endsWith(`${ALICE}:5000`);
    nat.port(`${ALICE}:5000`);
    nat.now += 1999;
    expect(isIn()).toBe(true);
    nat.port(`${ALICE}:5000`);
    nat.now += 1999;
    expect(isIn()).toBe(true); // does not keep it
    nat.now += 1;
    expect(isIn()).toBe(false);
    nat.nat.sweep(nat.now);
    expect(nat.events).toEqual(['made', 'ended'].map((what) => `${what} ${ALICE}:5000 ${OUTSIDE}:5000`));
    expect(nat.nat.dueAt).toBe(Number.POSITIVE_INFINITY);
  });

  it('the port of an ended mapping is free', () => {
    const nat = new Tried({ timeouts: { udp: 1 } });
    nat.port(`${ALICE}:5000`);
    nat.now += 1000;
    expect(nat.port(`${CAROL}:5000`)).toBe(5000);
    expect(nat.port(`${ALICE}:5000`)).toBe(5001);
  });

  /** Returns whether a connection still has its mapping, seconds after these segments. */
  function lasts(seconds: number, segments: [way: 'out' | 'in', flags: number][]): boolean {
    const nat = new Tried({ timeouts: { tcp: 100, tcpTransitory: 10 } });
    for (const [way, flags] of segments) {
      if (way === 'out') nat.out(tcp(`${ALICE}:5000`, `${PEER}:80`, flags));
      else expect(nat.in(tcp(`${PEER}:80`, `${OUTSIDE}:5000`, flags, IN))).toBe(`${PEER}:80 > ${ALICE}:5000`);
    }
    nat.now += seconds * 1000;
    return nat.in(tcp(`${PEER}:80`, `${OUTSIDE}:5000`, ACK, IN)) !== 'dropped: nat: no mapping';
  }

  /** The seconds that a connection may rest after these segments. */
  function restOf(...segments: [way: 'out' | 'in', flags: number][]): number {
    return [10, 100].find((seconds) => lasts(seconds - 0.001, segments) && !lasts(seconds, segments)) ?? -1;
  }

  it('TCP: a connection that begins, is established, ends', () => {
    expect(restOf(['out', SYN])).toBe(10);
    expect(restOf(['out', SYN], ['in', SYN | ACK], ['out', ACK])).toBe(100);
    const open: [way: 'out' | 'in', flags: number][] = [
      ['out', SYN],
      ['in', SYN | ACK],
      ['out', ACK],
    ];
    expect(restOf(...open, ['out', FIN | ACK])).toBe(100);
    expect(restOf(...open, ['out', FIN | ACK], ['in', FIN | ACK])).toBe(10);
    expect(restOf(...open, ['in', RST])).toBe(10);
    expect(restOf(...open, ['in', RST], ['out', SYN], ['in', SYN | ACK], ['out', ACK])).toBe(100);
  });

  it('TCP: both sides may begin at once (T: REQ-2)', () => {
    const nat = new Tried();
    expect(nat.out(tcp(`${ALICE}:5000`, `${PEER}:6000`, SYN))).toBe(`${OUTSIDE}:5000 > ${PEER}:6000`);
    expect(nat.in(tcp(`${PEER}:6000`, `${OUTSIDE}:5000`, SYN, IN))).toBe(`${PEER}:6000 > ${ALICE}:5000`);
  });
});

describe('ICMP', () => {
  it('pings have a mapping by their identifier (I: REQ-1, REQ-2)', () => {
    const nat = new Tried({ timeouts: { icmp: 1 } });
    expect(nat.out(echo(ALICE, PEER, 8, 77))).toBe(`${OUTSIDE} > ${PEER}`);
    expect(nat.in(echo(PEER, OUTSIDE, 0, 77, IN))).toBe(`${PEER} > ${ALICE}`);
    expect(nat.in(echo(OTHER, OUTSIDE, 0, 77, IN))).toBe('dropped: nat: filtered');
    const second = echo(CAROL, PEER, 8, 77);
    nat.out(second);
    expect(second.readUInt16BE(14 + 20 + 4)).toBe(78);
    expect(nat.in(echo(PEER, OUTSIDE, 0, 78, IN))).toBe(`${PEER} > ${CAROL}`);
    nat.now += 1000;
    expect(nat.in(echo(PEER, OUTSIDE, 0, 77, IN))).toBe('dropped: nat: no mapping');
  });

  it('the router itself answers pings (I: REQ-8)', () => {
    expect(new Tried().in(echo(PEER, OUTSIDE, 8, 5, IN))).toBe(`${PEER} > ${OUTSIDE}`);
  });

  it.each([28, 60])(
    'errors come in with the packet that they quote, %d bytes (I: REQ-4; U: REQ-10, REQ-12)',
    (quoted) => {
      const nat = new Tried();
      const sent = udp(`${ALICE}:5000`, `${PEER}:9`, { data: 'x'.repeat(40) });
      nat.out(sent);
      const error = icmpError(OTHER, OUTSIDE, sent, { ...IN, quoted }); // from a router on the way
      expect(nat.in(error)).toBe(`${OTHER} > ${ALICE}`);
      expect(describeFrame(error.subarray(0))).toContain('ICMP');
      expect(error.subarray(14 + 28 + 12, 14 + 28 + 16)).toEqual(Buffer.from([192, 168, 1, 2]));
      const unknown = udp(`${OUTSIDE}:5001`, `${PEER}:9`);
      expect(nat.in(icmpError(OTHER, OUTSIDE, unknown, IN))).toBe('dropped: nat: no mapping');
      const forged = udp(`${OUTSIDE}:5000`, `${OTHER}:9`);
      expect(nat.in(icmpError(OTHER, OUTSIDE, forged, IN))).toBe('dropped: nat: filtered');
    },
  );

  it('errors go out with the packet that they quote (I: REQ-5)', () => {
    const nat = new Tried();
    nat.out(udp(`${ALICE}:5000`, `${PEER}:9`));
    const came = udp(`${PEER}:9`, `${OUTSIDE}:5000`, IN);
    nat.in(came);
    const error = icmpError(ALICE, PEER, came, { quoted: 33 });
    expect(nat.out(error)).toBe(`${OUTSIDE} > ${PEER}`);
    expect(error.subarray(14 + 28 + 16, 14 + 28 + 20)).toEqual(Buffer.from([203, 0, 113, 2]));
  });

  it('an error does not keep a mapping (U: REQ-10)', () => {
    const nat = new Tried({ timeouts: { udp: 1 } });
    const sent = udp(`${ALICE}:5000`, `${PEER}:9`);
    nat.out(sent);
    nat.now += 999;
    nat.in(icmpError(PEER, OUTSIDE, sent, IN));
    nat.now += 1;
    expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:5000`, IN))).toBe('dropped: nat: no mapping');
  });
});

describe('fragments (U: REQ-14)', () => {
  const texts = (nat: Tried, way: 'out' | 'in', frames: Buffer[]) => frames.map((frame) => nat[way](frame));

  it.each([[[0, 1, 2]], [[0, 2, 1]]])('out, in the order %j', (order) => {
    const nat = new Tried();
    const frames = udpFragments(`${ALICE}:5000`, `${PEER}:9`, 7);
    const sent = texts(
      nat,
      'out',
      order.map((i) => frames[i]!),
    );
    expect(sent.every((text) => text.startsWith(OUTSIDE))).toBe(true);
  });

  it('those that come before the first one wait for it', () => {
    const nat = new Tried();
    nat.port(`${ALICE}:5000`);
    const [first, second, third] = udpFragments(`${PEER}:9`, `${OUTSIDE}:5000`, 7, IN) as [Buffer, Buffer, Buffer];
    expect(texts(nat, 'in', [third, second])).toEqual(Array(2).fill('nat: waits for its first fragment'));
    expect(nat.in(first)).toContain(ALICE);
    const released = nat.nat.released();
    expect(released.map((frame) => nat.in(frame as Buffer).split(' > ')[1])).toEqual([ALICE, ALICE]);
    expect(nat.nat.released()).toEqual([]);
  });

  it('what is dropped is dropped as a whole, and what waits has a limit', () => {
    const nat = new Tried();
    const frames = udpFragments(`${PEER}:9`, `${OUTSIDE}:5000`, 7, IN);
    expect(texts(nat, 'in', frames)).toEqual(Array(3).fill('dropped: nat: no mapping'));
    const waiting = Array.from({ length: 129 }, (_, i) =>
      nat.in(udpFragments(`${PEER}:9`, `${OUTSIDE}:5000`, 100 + i, IN)[1]!),
    );
    expect(waiting.slice(0, 128).every((text) => text.includes('waits'))).toBe(true);
    expect(waiting[128]).toBe('dropped: nat: too many fragments wait');
  });
});

describe('hairpin (U: REQ-9)', () => {
  /** Takes a packet from inside through the router's kernel, which forwards it to the alias, and back. */
  function turn(nat: Tried, frame: Buffer): string {
    const first = nat.inside(frame);
    return first.startsWith('dropped') || !first.includes('192.0.0.') ? first : nat.out(frame);
  }

  it('hosts inside reach each other by the address outside, and see it as the source', () => {
    const nat = new Tried('full-cone');
    nat.port(`${ALICE}:5000`);
    nat.port(`${CAROL}:6000`);
    expect(turn(nat, udp(`${ALICE}:5000`, `${OUTSIDE}:6000`))).toBe(`back ${OUTSIDE}:5000 > ${CAROL}:6000`);
    expect(turn(nat, udp(`${CAROL}:6000`, `${OUTSIDE}:5000`))).toBe(`back ${OUTSIDE}:6000 > ${ALICE}:5000`);
  });

  it('is filtered as from outside', () => {
    const nat = new Tried('port-restricted');
    nat.port(`${ALICE}:5000`);
    nat.port(`${CAROL}:6000`);
    expect(turn(nat, udp(`${ALICE}:5000`, `${OUTSIDE}:6000`))).toBe('dropped: nat: filtered');
    expect(turn(nat, udp(`${CAROL}:6000`, `${OUTSIDE}:5000`))).toBe(`back ${OUTSIDE}:6000 > ${ALICE}:5000`);
    expect(turn(nat, udp(`${ALICE}:5000`, `${OUTSIDE}:6000`))).toBe(`back ${OUTSIDE}:5000 > ${CAROL}:6000`);
  });

  it('can be off, and other ports are the router’s', () => {
    const nat = new Tried({ type: 'full-cone', hairpin: false });
    nat.port(`${CAROL}:6000`);
    expect(turn(nat, udp(`${ALICE}:5000`, `${OUTSIDE}:6000`))).toBe('dropped: nat: no hairpin');
    expect(turn(nat, udp(`${ALICE}:5000`, `${OUTSIDE}:53`))).toBe(`${ALICE}:5000 > ${OUTSIDE}:53`);
    expect(turn(nat, echo(ALICE, OUTSIDE, 8, 1))).toBe(`${ALICE} > ${OUTSIDE}`);
  });

  it('answers ARP for the addresses that stand for its own', () => {
    const request = Buffer.from(
      `ffffffffffff0200000000010806${'0001080006040001020000000001'}cb007102${'000000000000'}c00000c0`,
      'hex',
    );
    expect(new Tried().nat.fromHost(request, request.length, 0)).toBe('back');
    expect(describeFrame(request)).toBe('ARP, Reply 192.0.0.192 is-at 02:00:c0:00:00:c0, length 28');
  });
});

describe('forwarded ports', () => {
  const forwards = [{ protocol: 'tcp', port: 80, to: ALICE, toPort: 8080 }] as const;

  it('lead in from anywhere, and answers go out by them', () => {
    for (const type of ['port-restricted', 'symmetric'] as const) {
      const nat = new Tried({ type, forwards });
      expect(nat.in(tcp(`${PEER}:9`, `${OUTSIDE}:80`, SYN, IN))).toBe(`${PEER}:9 > ${ALICE}:8080`);
      expect(nat.out(tcp(`${ALICE}:8080`, `${PEER}:9`, SYN | ACK))).toBe(`${OUTSIDE}:80 > ${PEER}:9`);
      expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:80`, IN))).toBe('dropped: nat: no mapping');
      nat.nat.flush();
      nat.now += 1e9;
      nat.nat.sweep(nat.now);
      expect(nat.in(tcp(`${PEER}:9`, `${OUTSIDE}:80`, SYN, IN))).toBe(`${PEER}:9 > ${ALICE}:8080`);
    }
  });

  it('come and go while it runs, and take the port from a mapping', () => {
    const nat = new Tried();
    expect(nat.port(`${CAROL}:7000`)).toBe(7000);
    const forward = { protocol: 'udp', port: 7000, to: addressNumber(ALICE), toPort: 7000 } as const;
    nat.nat.addForward(forward);
    expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:7000`, IN))).toBe(`${PEER}:9 > ${ALICE}:7000`);
    expect(nat.port(`${CAROL}:7000`)).toBe(7001);
    nat.nat.removeForward(forward);
    expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:7000`, IN))).toBe('dropped: nat: no mapping');
  });

  it('of several to one endpoint, each one’s answers go out by it', () => {
    const second = { ...forwards[0], port: 81 };
    for (const type of ['port-restricted', 'symmetric'] as const) {
      const nat = new Tried({ type, forwards: [...forwards, second] }, [OUTSIDE, '203.0.113.10']);
      const ways = [OUTSIDE, '203.0.113.10'].flatMap((address) => [`${address}:80`, `${address}:81`]);
      for (const [i, way] of ways.entries()) nat.in(tcp(`${PEER}:${i}`, way, SYN, IN));
      for (const [i, way] of ways.entries()) {
        expect(nat.out(tcp(`${ALICE}:8080`, `${PEER}:${i}`, SYN | ACK))).toBe(`${way} > ${PEER}:${i}`);
      }
      nat.nat.removeForward({ ...second, to: addressNumber(ALICE) });
      expect(nat.out(tcp(`${ALICE}:8080`, `${PEER}:0`, ACK))).toBe(`${OUTSIDE}:80 > ${PEER}:0`);
    }
  });

  it('end only if they lead there still', () => {
    const nat = new Tried();
    const [alices, carols] = [ALICE, CAROL].map((to) => {
      return { protocol: 'udp', port: 7000, to: addressNumber(to), toPort: 7000 } as const;
    });
    nat.nat.addForward(alices!);
    nat.nat.addForward(carols!);
    expect([nat.nat.hasForward(alices!), nat.nat.hasForward(carols!)]).toEqual([false, true]);
    nat.nat.removeForward(alices!);
    expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:7000`, IN))).toBe(`${PEER}:9 > ${CAROL}:7000`);
  });
});

describe('how many endpoints outside it remembers', () => {
  const MANY = 65_536;
  const remote = (i: number) => `198.51.${i >> 8}.${i & 255}:9`;

  it('one mapping has no more than all have, and what ended makes room', () => {
    const nat = new Tried();
    for (let i = 0; i < MANY; i++) {
      const frame = udp(`${ALICE}:5000`, remote(i));
      nat.nat.fromHost(frame, frame.length, nat.now);
    }
    expect(nat.out(udp(`${ALICE}:5000`, `${PEER}:9`))).toBe('dropped: nat: the table is full');
    expect(nat.out(udp(`${CAROL}:5000`, `${PEER}:9`))).toBe('dropped: nat: the table is full');
    expect(nat.out(udp(`${ALICE}:5000`, remote(0)))).toBe(`${OUTSIDE}:5000 > ${remote(0)}`);
    nat.now += 1e9;
    expect(nat.out(udp(`${ALICE}:5000`, `${PEER}:9`))).toBe(`${OUTSIDE}:5000 > ${PEER}:9`);
  });

  it('those of a forwarded port end too', () => {
    const nat = new Tried({ forwards: [{ protocol: 'tcp', port: 80, to: ALICE, toPort: 80 }] });
    expect(nat.nat.dueAt).toBe(Number.POSITIVE_INFINITY);
    nat.in(tcp(`${PEER}:9`, `${OUTSIDE}:80`, SYN, IN));
    expect(nat.nat.dueAt).toBeLessThan(Number.POSITIVE_INFINITY);
    nat.nat.sweep(nat.now + 1e9);
    expect(nat.nat.dueAt).toBe(Number.POSITIVE_INFINITY);
    expect(nat.nat.mappings(nat.now)[0]!.remotes).toEqual([]);
  });
});

it('the router’s own connections share the ports with the mappings', () => {
  const nat = new Tried();
  expect(nat.port(`${ALICE}:40000`)).toBe(40_000);
  expect(nat.out(udp(`${OUTSIDE}:40000`, `${PEER}:9`))).toBe(`${OUTSIDE}:40001 > ${PEER}:9`);
  expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:40001`, IN))).toBe(`${PEER}:9 > ${OUTSIDE}:40000`);
  expect(nat.out(udp(`${OUTSIDE}:50000`, `${PEER}:9`))).toBe(`${OUTSIDE}:50000 > ${PEER}:9`);
  expect(nat.port(`${CAROL}:50000`)).toBe(50_001);
  expect(nat.nat.mappings(nat.now).map(({ inside }) => inside)).toEqual([`${ALICE}:40000`, `${CAROL}:50000`]);
});

it('other protocols pass for the router only', () => {
  const gre = (from: string): Buffer => {
    const frame = udp(`${from}:0`, `${PEER}:0`);
    frame[14 + 9] = 47;
    return frame;
  };
  const { nat } = new Tried('home');
  const verdict = (frame: Buffer) => [nat.fromHost(frame, frame.length, 0), nat.note];
  expect(verdict(gre(OUTSIDE))).toEqual(['pass', undefined]);
  expect(verdict(gre(ALICE))).toEqual(['drop', 'dropped: nat: protocol 47']);
  expect(verdict(Buffer.from('ffffffffffff02000000000186dd60', 'hex'))).toEqual(['pass', undefined]);
});

it('changes its behaviour while it runs; mappings that there are stay', () => {
  const nat = new Tried('port-restricted');
  nat.port(`${ALICE}:5000`);
  expect(nat.in(udp(`${OTHER}:9`, `${OUTSIDE}:5000`, IN))).toBe('dropped: nat: filtered');
  nat.nat.set(checkNat('nat', 'full-cone'));
  expect(nat.in(udp(`${OTHER}:9`, `${OUTSIDE}:5000`, IN))).toBe(`${OTHER}:9 > ${ALICE}:5000`);
  nat.nat.flush();
  expect(nat.nat.mappings(nat.now)).toEqual([]);
  expect(nat.in(udp(`${PEER}:9`, `${OUTSIDE}:5000`, IN))).toBe('dropped: nat: no mapping');
});

it('says what is mapped', () => {
  const nat = new Tried({ timeouts: { udp: 60 } });
  nat.out(udp(`${ALICE}:5000`, `${PEER}:9`));
  nat.out(udp(`${ALICE}:5000`, `${OTHER}:9`));
  const [mapping, ...others] = nat.nat.mappings(nat.now);
  expect(others).toEqual([]);
  expect(mapping).toEqual({
    protocol: 'udp',
    inside: `${ALICE}:5000`,
    outside: `${OUTSIDE}:5000`,
    remotes: [`${PEER}:9`, `${OTHER}:9`],
    expires: expect.any(Number),
  });
  expect(mapping!.expires).toBeLessThanOrEqual(60_000);
});

it.each<[NatBehavior | string, string]>([
  ['full-cine', "nat must be 'full-cone' or"],
  [{ type: 'fullcone' } as object, "nat.type must be 'full-cone' or"],
  [{ maping: ENDPOINT } as object, 'maping'],
  [{ mapping: 'symmetric' } as object, "nat.mapping must be 'endpoint-independent' or"],
  [{ timeouts: { udp: 0 } }, 'nat.timeouts.udp must be seconds, from 0.01 to 86400'],
  [{ timeouts: { dns: 1 } } as object, 'dns'],
  [
    { forwards: [{ protocol: 'sctp', port: 1, to: ALICE }] } as object,
    "nat.forwards[0].protocol must be 'tcp' or 'udp'",
  ],
  [{ forwards: [{ protocol: 'tcp', port: 0, to: ALICE }] }, 'nat.forwards[0].port must be a port from 1 to 65535'],
  [{ forwards: [{ protocol: 'tcp', port: 1, to: 'bob' }] }, 'nat.forwards[0].to must be an IPv4 address inside'],
])('refuses %j', (behavior, message) => {
  expect(() => checkNat('nat', behavior as NatBehavior)).toThrow(message);
});

it('takes any bytes: random and mutated frames, both ways', () => {
  const nat = new Tried({ mapping: BOTH, filtering: ENDPOINT });
  const draw = randomOf(20);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)]!;
  const address = () => pick([ALICE, CAROL, PEER, OTHER, OUTSIDE, '192.0.0.192', '255.255.255.255', '0.0.0.0']);
  const port = () => Math.floor(draw() * 65_536);
  const make = (options: PacketOptions): Buffer => {
    const [from, to] = [`${address()}:${port()}`, `${address()}:${port()}`];
    const packet = pick([udp, (a: string, b: string, o: PacketOptions) => tcp(a, b, port() & 255, o)])(
      from,
      to,
      options,
    );
    return draw() < 0.3
      ? icmpError(address(), address(), packet, { ...options, quoted: Math.floor(draw() * 60) })
      : packet;
  };
  for (let i = 0; i < 20_000; i++) {
    const frame = make({ toRouter: draw() < 0.5, fragment: draw() < 0.3 ? port() : 0 });
    const length = draw() < 0.2 ? Math.floor(draw() * frame.length) : frame.length;
    if (draw() < 0.5) frame[Math.floor(draw() * frame.length)]! = port() & 255;
    const verdict = pick([
      () => nat.nat.fromHost(frame, length, i),
      () => nat.nat.toHost(frame, length, i),
      () => nat.nat.fromInside(frame, length, i),
    ])();
    expect(['pass', 'drop', 'hold', 'back']).toContain(verdict);
    nat.nat.released();
  }
  expect(nat.port(`${CAROL}:5555`)).toBeGreaterThan(0);
});
