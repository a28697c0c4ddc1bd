import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PcapngWriter } from 'ioth/vde';
import { ipBytes } from '../../../lib/address/ip.js';
import { frameFilter } from '../../../lib/cli/frame-filter.js';
import { useDirectory } from '../../support/directory.js';
import { arpRequest, BROADCAST, frameOf, greeting, macOf } from '../../support/vde.js';

/* What passes a filter is what tcpdump(8) prints with the same filter. */

const dir = useDirectory();
const [TCP, UDP, ICMP, ICMP6] = [6, 17, 1, 58];

const ports = (from: number, to: number) => {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header[12] = 0x50;
  return header;
};

function ip(protocol: number, from: string, to: string, data: Buffer, fragment = 0): Buffer {
  const header = Buffer.from('4500000000010000400000000000000000000000', 'hex');
  header.writeUInt16BE(20 + data.length, 2);
  header.writeUInt16BE(fragment, 6);
  header[9] = protocol;
  header.set(ipBytes(from), 12);
  header.set(ipBytes(to), 16);
  return Buffer.concat([header, data]);
}

function ip6(next: number, from: string, to: string, data: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(data.length, 4);
  header[6] = next;
  header[7] = 64;
  header.set(ipBytes(from), 8);
  header.set(ipBytes(to), 24);
  return Buffer.concat([header, data]);
}

const from = (number: number, to: number, type: number, data: Buffer) => frameOf(macOf(to), macOf(number), type, data);
const IP = 0x0800;
const IP6 = 0x86dd;

const frames: Buffer[] = [
  arpRequest(1, 2),
  arpRequest(3, 1),
  from(1, 2, IP, ip(TCP, '10.0.0.1', '10.0.0.2', ports(40000, 80))),
  from(2, 1, IP, ip(TCP, '10.0.0.2', '10.0.0.1', ports(80, 40000))),
  from(1, 3, IP, ip(UDP, '10.0.0.1', '10.0.1.3', ports(53, 53))),
  from(1, 3, IP, ip(UDP, '10.0.0.1', '10.0.1.3', ports(53, 53), 0x0004)),
  from(1, 2, IP, ip(ICMP, '10.0.0.1', '10.0.0.2', Buffer.from('0800f7ff00000000', 'hex'))),
  from(1, 2, IP6, ip6(TCP, 'fd00::1', 'fd00::2', ports(22, 40001))),
  from(2, 1, IP6, ip6(UDP, 'fd00::2', 'fe80::1', ports(40002, 53))),
  from(1, 2, IP6, ip6(ICMP6, 'fd00::1', 'fd00::2', Buffer.from('8000000000000000', 'hex'))),
  frameOf('01:00:5e:00:00:fb', macOf(1), IP, ip(UDP, '10.0.0.1', '224.0.0.251', ports(5353, 5353))),
  frameOf(BROADCAST, macOf(3), IP, ip(UDP, '0.0.0.0', '255.255.255.255', ports(68, 67))),
  greeting(1, 'a frame of another protocol'),
];

function passing(filter: string): number[] {
  const passes = frameFilter(filter);
  return frames.flatMap((frame, i) => (passes(frame) ? [i] : []));
}

it('takes what tcpdump takes', async () => {
  const file = join(dir.path, 'frames.pcapng');
  const writer = new PcapngWriter();
  const id = writer.addInterface('vde');
  for (const [i, frame] of frames.entries()) writer.writeFrame(id, frame, { time: BigInt(i) * 1_000_000_000n });
  writeFileSync(file, writer.toBuffer());
  /** The seconds of the times that it prints. */
  const printed = (filter: string) => {
    const args = ['-n', '-tt', '-r', file, ...filter.split(' ').filter(Boolean)];
    const said = execFileSync('tcpdump', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...said.matchAll(/^(\d+)\.\d+ /gm)].map(([, seconds]) => Number(seconds));
  };
  const filters = [
    '',
    'arp',
    'ip',
    'ip6',
    'tcp',
    'udp',
    'icmp',
    'icmp6',
    'host 10.0.0.1',
    'src host 10.0.0.1',
    'dst host 10.0.0.1',
    'src 10.0.0.2',
    'host fd00::1',
    'net 10.0.0.0/24',
    'dst net 10.0.1.0/24',
    'net fd00::/16',
    'net 0.0.0.0/0',
    'port 53',
    'src port 53',
    'dst port 53',
    'tcp port 80',
    'udp dst port 53',
    'ip host 10.0.0.2',
    'arp host 10.0.0.1',
    'ether host 02:00:00:00:00:03',
    'ether src host 02:00:00:00:00:03',
    'broadcast',
    'multicast',
    'not arp',
    '! ( tcp or udp )',
    'tcp or udp and host 10.0.0.1',
    'udp and host 10.0.0.1 or arp',
    'not tcp and not udp',
    'host 10.0.0.1 && ( port 80 || port 53 ) && ! icmp',
  ];
  for (const filter of filters)
    expect({ filter, frames: passing(filter) }).toEqual({ filter, frames: printed(filter) });
});

it('looks behind VLAN tags and the extension headers of IPv6', () => {
  const tag = Buffer.from('00030800', 'hex');
  const tagged = from(1, 2, 0x8100, Buffer.concat([tag, ip(TCP, '10.0.0.1', '10.0.0.2', ports(1, 80))]));
  const options = Buffer.from('0600000000000000', 'hex');
  const extended = from(1, 2, IP6, ip6(0, 'fd00::1', 'fd00::2', Buffer.concat([options, ports(1, 80)])));
  const fragment = Buffer.from('0600000100000001', 'hex');
  const first = from(1, 2, IP6, ip6(44, 'fd00::1', 'fd00::2', Buffer.concat([fragment, ports(1, 80)])));
  const later = Buffer.from(first);
  later.writeUInt16BE(0x0081, 14 + 40 + 2);
  for (const frame of [tagged, extended, first]) expect(frameFilter('tcp port 80')(frame)).toBe(true);
  expect([frameFilter('tcp')(later), frameFilter('port 80')(later)]).toEqual([true, false]);
});

it('takes no part of a frame for another, however short it is', () => {
  for (const filter of ['tcp port 80', 'host 10.0.0.1', 'broadcast', 'arp host 10.0.0.1', 'ip6']) {
    const passes = frameFilter(filter);
    for (const frame of frames) {
      for (let length = 0; length < frame.length; length++) {
        if (!passes(frame)) expect(passes(frame.subarray(0, length))).toBe(false);
      }
    }
  }
});

it.each([
  ['hots 10.0.0.1', "the filter has 'hots': it takes arp, ip, ip6,"],
  ['host', 'the filter ends where it needs an address'],
  ['host bob', "the filter needs an IP address such as '10.0.0.1', not 'bob'"],
  ['host 10.0.0.1/24', "the filter needs an IP address such as '10.0.0.1', not '10.0.0.1/24'"],
  ['host fe80::1%vde0', "the filter needs an IP address such as '10.0.0.1', not 'fe80::1%vde0'"],
  ['net 10.0.0.0', "the filter needs a prefix such as '10.0.0.0/24' after 'net', not '10.0.0.0'"],
  ['net 10.0.0.0/33', "the filter needs a prefix such as '10.0.0.0/24' after 'net', not '10.0.0.0/33'"],
  ['port http', "the port must be a number from 0 to 65535, not 'http'"],
  ['ether 02:00:00:00:00:01', "the filter needs 'host' and a MAC address after 'ether'"],
  ['ether host 02:00', "mac must be a MAC address such as '80:00:42:0e:e7:3a', or its 6 bytes, not '02:00'"],
  ['tcp udp', "the filter needs 'and' or 'or' before 'udp'"],
  ['tcp and', 'the filter ends where it needs one of arp,'],
  ['( tcp', "the filter lacks a ')'"],
  ['tcp )', "the filter has a ')' too many"],
  ['constructor', "the filter has 'constructor'"],
])('refuses %j with words', (filter, message) => {
  expect(() => frameFilter(filter)).toThrow(message);
});
