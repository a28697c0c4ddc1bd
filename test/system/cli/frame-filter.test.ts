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
const [TCP, UDP, ICMP, ICMP6, IGMP, SCTP] = [6, 17, 1, 58, 2, 132];
const [SYN, RST, ACK] = [2, 4, 16];

const ports = (from: number, to: number) => {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(from, 0);
  header.writeUInt16BE(to, 2);
  header[12] = 0x50;
  return header;
};

const segment = (from: number, to: number, flags: number) => {
  const header = ports(from, to);
  header[13] = flags;
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
  from(1, 2, IP, ip(TCP, '10.0.0.1', '10.0.0.2', segment(40000, 443, SYN))),
  from(2, 1, IP, ip(TCP, '10.0.0.2', '10.0.0.1', segment(443, 40000, SYN | ACK))),
  from(1, 2, IP, ip(TCP, '10.0.0.1', '10.0.0.2', segment(40000, 8005, RST))),
  from(2, 1, IP, ip(ICMP, '10.0.0.2', '10.0.0.1', Buffer.from('0000ffff00000000', 'hex'))),
  from(2, 1, IP, ip(ICMP, '10.0.0.2', '10.0.0.1', Buffer.from('0303fcfc00000000', 'hex'))),
  from(1, 2, IP, ip(UDP, '10.0.0.1', '10.0.0.2', Buffer.concat([ports(9000, 9001), Buffer.alloc(200)]))),
  from(1, 2, IP, ip(IGMP, '10.0.0.1', '224.0.0.1', Buffer.alloc(8))),
  from(1, 2, IP, ip(SCTP, '10.0.0.1', '10.0.0.2', ports(5000, 80))),
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
    'port 80 or 443',
    'tcp dst port 80 or 443 or 8005',
    'host 10.0.0.2 or 10.0.1.3',
    'not port 53 and 80',
    'src or dst port 53',
    'src and dst port 53',
    'dst and src host 10.0.0.1',
    'src 10.0.0.1 and dst 10.0.0.2',
    'src 10.0.0.1 or dst port 80',
    'portrange 8000-9000',
    'udp src portrange 9000-9100',
    'portrange 443-80',
    'net 10.0.0.0 mask 255.255.255.0',
    'dst net 10.0.1.0 mask 255.255.255.0',
    'net 10',
    'net 10.0',
    'net 10.0.1',
    'ether src 02:00:00:00:00:03',
    'ether broadcast',
    'ether multicast',
    'ether proto 0x0806',
    'ether proto \\arp',
    'ip proto 17',
    'ip proto \\tcp',
    'ip proto \\icmp or ip proto \\igmp',
    'ip6 proto 58',
    'proto \\udp',
    'less 60',
    'greater 60',
    'len > 60',
    'len <= 60',
    'len=54',
    'tcp[tcpflags] & tcp-syn != 0',
    'tcp[tcpflags]&tcp-syn!=0',
    '( tcp[tcpflags] & tcp-syn ) != 0',
    'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn',
    'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0 and host 10.0.0.1',
    'tcp[tcpflags] == tcp-syn',
    'tcp[13] = 18',
    'tcp[13] & 0x10 = 0x10 or arp',
    'ip and tcp[0:2] < 100',
    'not ( tcp[13] & 2 != 0 or udp )',
    '( ( tcp[13] & 2 != 0 ) )',
    'icmp[icmptype] == icmp-echo',
    'icmp[icmptype] = icmp-echo or icmp[icmptype] = icmp-echoreply',
    'icmp[icmptype] == icmp-unreach and icmp[icmpcode] == 3',
    'icmp6[icmp6type] == icmp6-echo',
    'ip[6:2] & 0x1fff != 0',
    'ip[8] < 65',
    'ip[12:4] == 0x0a000001',
    'ip6[6] = 58',
    'udp[2:2] = 9001',
    'ether[0] & 1 = 1',
    'arp[6:2] = 1',
    'ip and tcp[13] | 2 = 2',
    'tcp[13] & ip[8] = 0',
    'ip and ( udp[0:2] | 0 ) & 0 = 0',
    'vlan',
    'vlan 5',
  ];
  for (const filter of filters)
    expect({ filter, frames: passing(filter) }).toEqual({ filter, frames: printed(filter) });
});

it('a number that a frame does not have is not one, on either side of an operator', () => {
  // tcpdump forgets what the right side asks for, and reads the bytes of other protocols
  expect(passing('ip[8] & tcp[13] = 0')).toEqual(passing('tcp[13] & ip[8] = 0'));
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
  const vlans = ['vlan', 'vlan 3', 'vlan 0x3 and tcp', 'vlan 4', 'not vlan'];
  expect(vlans.map((filter) => frameFilter(filter)(tagged))).toEqual([true, true, true, false, false]);
  // tcpdump knows the flags of TCP over IPv4 only
  for (const frame of [tagged, extended, first]) expect(frameFilter('tcp[2:2] = 80')(frame)).toBe(true);
  expect(frameFilter('tcp[2:2] = 80')(later)).toBe(false);
});

it('takes no part of a frame for another, however short it is', () => {
  const filters = [
    'tcp port 80',
    'host 10.0.0.1',
    'broadcast',
    'arp host 10.0.0.1',
    'ip6',
    'vlan',
    'tcp[13] != 0',
    'ip[0:4] > 0',
  ];
  for (const filter of filters) {
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
  ['443', "the filter has '443': it takes"],
  ['portrange 80', "the filter needs ports such as '8000-8010' after 'portrange', not '80'"],
  ['portrange 80-70000', "the port must be a number from 0 to 65535, not '70000'"],
  ['net 10.0.0.0 mask 255.0.255.0', "the filter needs a mask such as '255.255.255.0', not '255.0.255.0'"],
  ['net 10.0.0.0 mask 24', "the filter needs a mask such as '255.255.255.0', not '24'"],
  ['net 300', "the filter needs a prefix such as '10.0.0.0/24' after 'net', not '300.0.0.0/8'"],
  ['src and dst', 'the filter ends where it needs an address'],
  ['src src 10.0.0.1', "the filter needs an IP address such as '10.0.0.1', not 'src'"],
  ['vlan 4096', "the filter needs a number of at most 4095, not '4096'"],
  ['ether proto 65536', 'at most 65535'],
  ['ip proto 256', 'at most 255'],
  ['ip[0] = 4294967296', 'at most 4294967295'],
  ['ip proto http', "the filter needs a number, not 'http'"],
  ['less', 'the filter ends where it needs a number of bytes'],
  ['tcp[tcpflags] & tcp-syn', "the filter ends where it needs a comparison such as '!= 0'"],
  ['tcp[tcpflags] & tcp-syn and arp', 'the filter needs one of = == != < > <= >='],
  ['tcp[flags] & 2 != 0', "the filter needs a number, not 'flags'"],
  ['tcp[0:3] = 1', "the filter needs bytes such as 'tcp[13]' or 'ip[6:2]', of ether, arp,"],
  ['quic[0] = 1', "the filter needs bytes such as 'tcp[13]' or 'ip[6:2]', of ether, arp,"],
  ['( tcp[13] & 2', 'the filter'],
  ['tcp[13', "the filter needs 'and' or 'or' before '['"],
])('refuses %j with words', (filter, message) => {
  expect(() => frameFilter(filter)).toThrow(message);
});
