import { Conversations } from '../../../lib/fabric/conversations.js';

const MACS = '020000000002' + '020000000001';
const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
const ARP = `${MACS}0806${'0001080006040001020000000001'}0a000001${'000000000000'}0a000002`;
const ipv4 = (protocol: number, data: string, { from = '0a000001', flags = '4000' } = {}) =>
  `${MACS}0800${'4500'}${hex(20 + data.length / 2, 4)}0000${flags}40${hex(protocol, 2)}0000${from}0a000002${data}`;
const ipv6 = (protocol: number, data: string) =>
  `${MACS}86dd60000000${hex(data.length / 2, 4)}${hex(protocol, 2)}40${'fd00'.padEnd(32, '1')}${'fd00'.padEnd(32, '2')}${data}`;
const ports = (from: number, to: number) => `${hex(from, 4)}${hex(to, 4)}`.padEnd(40, '0');
const echo = (type: number, id: number) => `${hex(type, 2)}000000${hex(id, 4)}0001`;

/** The conversations of frames: letters in the order of their first frames, with the number among those of a kind. */
function conversations(...frames: readonly string[]): string {
  const all = new Conversations();
  const kinds: number[] = [];
  return frames
    .map((text) => {
      const frame = Buffer.from(text, 'hex');
      const { kind, number } = all.of(frame, frame.length);
      if (!kinds.includes(kind)) kinds.push(kind);
      return 'abcdefghij'[kinds.indexOf(kind)] + String(number);
    })
    .join(' ');
}

it.each<[string, string[], string]>([
  [
    'protocols, each for itself',
    [ARP, ipv4(17, ports(9, 9)), ARP, ipv4(6, ports(9, 9)), `${MACS}88b500`],
    'a0 b0 a0 c0 d0',
  ],
  ['hosts', [ipv4(17, ports(9, 9)), ipv4(17, ports(9, 9), { from: '0a000003' })], 'a0 b0'],
  ['ports of services', [ipv4(6, ports(40000, 80)), ipv4(6, ports(40000, 81)), ipv4(6, ports(40000, 80))], 'a0 b0 a0'],
  [
    'ports chosen by chance, in their order',
    [40001, 50000, 40001, 32768].map((port) => ipv4(6, ports(port, 80))),
    'a0 a1 a0 a2',
  ],
  ['two ports chosen by chance', [ipv6(17, ports(40000, 50000)), ipv6(17, ports(50000, 40000))], 'a0 a1'],
  [
    'pings by their identifiers, and answers',
    [echo(8, 7), echo(8, 9), echo(0, 7)].map((data) => ipv4(1, data)),
    'a0 a1 b0',
  ],
  [
    'IPv6: pings, neighbours, listeners',
    [echo(128, 7), echo(135, 1), echo(135, 2), echo(143, 0)].map((data) => ipv6(58, data)),
    'a0 b0 b0 c0',
  ],
  ['fragments, without ports', ['2000', '00b9'].map((flags) => ipv4(17, ports(9, 9), { flags })), 'a0 a0'],
  ['VLANs', [ARP, ARP.replace('0806', '810000050806'), ARP.replace('0806', '810000060806')], 'a0 b0 c0'],
])('tells apart %s', (_what, frames, said) => {
  expect(conversations(...frames)).toBe(said);
});

it('is the same in every run', () => {
  const frame = Buffer.from(ipv4(6, ports(40000, 80)), 'hex');
  expect(new Conversations().of(frame, frame.length).kind).toMatchInlineSnapshot(`-1674640543`);
});

it('takes frames that end too early, whatever was in the buffer before', () => {
  const frame = Buffer.from(ipv6(17, ports(9, 9)), 'hex');
  for (const text of [frame, Buffer.from(ARP, 'hex'), Buffer.from(ipv4(1, echo(8, 1)), 'hex')]) {
    for (let length = 0; length < text.length; length++) {
      const cut = Buffer.concat([text.subarray(0, length), Buffer.alloc(80, 255)]);
      const { kind } = new Conversations().of(cut, length);
      expect(new Conversations().of(text.subarray(0, length), length).kind).toBe(kind);
    }
  }
});

it('forgets all when there are too many, in the same way each time', () => {
  const last = () => {
    const all = new Conversations();
    let sum = 0;
    for (let i = 0; i < 40_000; i++) {
      const frame = Buffer.from(ipv4(17, ports(32768 + (i % 32768), i)), 'hex');
      sum += all.of(frame, frame.length).number;
    }
    return sum;
  };
  expect(last()).toBe(last());
});
