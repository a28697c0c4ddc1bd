import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { AF_INET6, SOCK_DGRAM, Stack } from 'ioth';
import { readyLinkLocal } from '../../../lib/config/link-local.js';
import { useNetwork } from '../../support/network.js';

/* The names of interfaces in addresses are those of the stack, as in 'fe80::1%vde0'. The host has others. */

const PORT = 7800;
const GROUP = 'ff02::1234';
let left: Stack;
let right: Stack;
/** It has two interfaces on the network. */
let two: Stack;

afterAll(() => two.close());
const lan = useNetwork();

beforeAll(() => {
  [left, right] = lan.stacks as [Stack, Stack];
  two = new Stack('vdestack', [lan.vnl, lan.vnl]);
  for (const stack of [left, right, two]) {
    for (const { ifindex } of stack.interfaces()) {
      stack.linksetupdown(ifindex, true);
      readyLinkLocal(stack, ifindex);
    }
  }
});

function linkLocal(stack: Stack, name = 'vde0'): string {
  const addresses = stack.addressesOf(stack.if_nametoindex(name));
  return addresses.find(({ address }) => address.startsWith('fe80'))?.address ?? '';
}

it.each(['vde0', '2'])('a TCP connection goes to the zone %s', async (zone) => {
  const server = left.net.createServer((socket) => socket.on('error', () => {}).end(`${socket.remoteAddress}`));
  server.listen(PORT, `${linkLocal(left)}%vde0`);
  await once(server, 'listening');
  expect(server.address()).toEqual({ address: `${linkLocal(left)}%vde0`, family: 'IPv6', port: PORT });
  const socket = right.net.connect({
    port: PORT,
    host: `${linkLocal(left)}%${zone}`,
    localAddress: `${linkLocal(right)}%vde0`,
  });
  await once(socket, 'connect');
  expect(socket.remoteAddress).toBe(`${linkLocal(left)}%vde0`);
  expect(await text(socket)).toBe(`${linkLocal(right)}%vde0`);
  server.close();
});

it('a zone that the stack does not have is ENODEV', async () => {
  const [failed] = await once(right.net.connect(PORT, 'fe80::1%vde7'), 'error');
  expect(failed).toMatchObject({ code: 'ENODEV', syscall: 'connect' });
  const datagrams = right.dgram.createSocket('udp6');
  const error = await new Promise((done) => datagrams.send('x', PORT, 'fe80::1%vde7', done));
  expect(error).toMatchObject({ code: 'ENODEV', syscall: 'send' });
  datagrams.close();
});

it('datagrams leave by the interface of their zone, and by that of setMulticastInterface', async () => {
  using receiver = left.socket(AF_INET6, SOCK_DGRAM);
  receiver.bind(['::', PORT]);
  receiver.addMembership(GROUP, 'vde0');
  for (const name of ['vde0', 'vde1']) {
    const sender = two.dgram.createSocket('udp6').bind();
    await once(sender, 'listening');
    const destinations = [`${linkLocal(left)}%${name}`, `${GROUP}%${name}`, GROUP];
    sender.setMulticastInterface(`::%${name}`);
    for (const destination of destinations) {
      sender.send(destination, PORT, destination);
      const [data, { address }] = await receiver.recvfrom(99);
      expect([String(data), address]).toEqual([destination, linkLocal(two, name)]);
    }
    sender.close();
  }
});

it('a datagram socket joins a group in a zone, and its senders have one', async () => {
  const receiver = two.dgram.createSocket('udp6').bind(PORT);
  await once(receiver, 'listening');
  receiver.addMembership(GROUP, '::%vde1');
  const sender = right.dgram.createSocket('udp6');
  const from = Promise.race([
    once(receiver, 'message').then(([, { address }]) => address),
    once(receiver, 'error').then(([{ code }]) => code),
  ]);
  sender.send('x', PORT, `${GROUP}%vde0`);
  // libuv reports a datagram whose zone has no name on the host as an error
  const isNamed = process.env.IOTH_PUMP === '1' || hostIndexes().includes(two.if_nametoindex('vde1'));
  await expect(from).resolves.toBe(isNamed ? `${linkLocal(right)}%vde1` : 'ENXIO');
  receiver.dropMembership(GROUP, '::%vde1');
  expect(() => receiver.dropMembership(GROUP, '::%vde1')).toThrow(expect.objectContaining({ code: 'EADDRNOTAVAIL' }));
  sender.close();
  receiver.close();
});

it('a datagram socket that is not bound yet joins a group in a zone', async () => {
  const socket = two.dgram.createSocket('udp6');
  socket.addMembership(GROUP, '::%vde1');
  socket.dropMembership(GROUP, '::%vde1');
  socket.close();
  await once(socket, 'close');
});

function hostIndexes(): number[] {
  return readdirSync('/sys/class/net').map((name) => Number(readFileSync(`/sys/class/net/${name}/ifindex`)));
}
