import { ipBytes } from '../../../lib/address/ip.js';
import { concat } from '../../../lib/config/bytes.js';
import { Dhcp6Client } from '../../../lib/config/dhcp6/client.js';
import { INFORMATION_REQUEST, Option, REPLY, SOLICIT } from '../../../lib/config/dhcp6/message.js';
import { RouterDiscoveryClient } from '../../../lib/config/router-discovery/client.js';
import { decodeAdvert } from '../../../lib/config/router-discovery/message.js';
import { FakeClock } from '../../support/fake-clock.js';
import { advertHeader, option6 } from '../../support/packets.js';

const DUID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1);
const SERVER = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 9);

function dhcp6Client() {
  const sent: Uint8Array[] = [];
  const bound: string[][] = [];
  const events = { onBound: ({ dns }: { dns: string[] }) => bound.push(dns), onRenewed: () => {}, onLost: () => {} };
  const transport = { listen: () => {}, send: (message: Uint8Array) => sent.push(message) };
  const client = new Dhcp6Client(transport, new FakeClock(), events, { duid: DUID, iaid: 7 });
  const reply = (...options: Uint8Array[]) => {
    const header = Uint8Array.of(REPLY, ...sent.at(-1)!.subarray(1, 4));
    client.receive(concat(header, ...options));
  };
  return { client, sent, bound, reply };
}

test.each([
  [0, false, false],
  [0x40, false, true],
  [0x80, true, false],
  [0xc8, true, true],
])('the flags M and O of an advertisement: %i', (flags, managed, other) => {
  const bytes = advertHeader(1800);
  bytes[5] = flags;
  expect(decodeAdvert(bytes)).toMatchObject({ managed, other });
});

test('a client of DHCPv6 that wants options alone never solicits', () => {
  const { client, sent, bound, reply } = dhcp6Client();
  client.start('options');
  const dns = option6(Option.DNS_SERVERS, ipBytes('fd00::53'));
  reply(option6(Option.CLIENT_ID, DUID), option6(Option.SERVER_ID, SERVER), dns);
  expect(bound).toEqual([['fd00::53']]);
  client.stop({ release: true });
  expect(sent.map(([type]) => type)).toEqual([INFORMATION_REQUEST]);
});

test('an answer of DHCPv6 that was dropped says why', () => {
  const { client, sent, reply } = dhcp6Client();
  client.start();
  expect(sent[0]?.[0]).toBe(SOLICIT);
  client.receive(Uint8Array.of(REPLY, 0, 0, 0, 9));
  expect(client.failure.hint).toBe('no DHCPv6 server answered');
  reply(option6(Option.CLIENT_ID, DUID));
  expect(client.failure.hint).toBe('an answer of a DHCPv6 server was dropped: it does not say which server it is from');
  const other = dhcp6Client();
  other.client.start();
  other.reply(Uint8Array.of(0, 1, 0));
  expect(other.client.failure.hint).toBe('an answer of a DHCPv6 server was dropped: it cannot be read');
});

test('an advertisement that was dropped says why', () => {
  const events = { onFound: () => {}, onChanged: () => {}, onExpired: () => {} };
  const transport = { open: () => {}, send: () => {}, close: () => {} };
  const client = new RouterDiscoveryClient(transport, new FakeClock(), events, '02:00:00:00:00:01');
  client.start();
  client.receive(advertHeader(1800), 'fe80::1', 64);
  expect(client.failure.hint).toBe('an advertisement of fe80::1 was dropped: it did not come from the link itself');
  client.receive(concat(advertHeader(1800), Uint8Array.of(3, 0)), 'fe80::1', 255);
  expect(client.failure.hint).toBe('an advertisement of fe80::1 was dropped: it cannot be read');
});
