import { SOCK_DGRAM, Stack } from 'ioth';
import { useNetwork } from '../../support/network.js';

const LONGEST = 9216;
const net = useNetwork();

test('an interface on a VDE network has no MTU whose frames would vanish', async () => {
  const [a, b] = net.stacks as [Stack, Stack];
  for (const stack of [a, b]) stack.linksetmtu('vde0', LONGEST);
  const receiver = b.socket(undefined, SOCK_DGRAM);
  receiver.bind(['10.0.0.2', 7]);
  await a.socket(undefined, SOCK_DGRAM).sendto(Buffer.alloc(LONGEST - 28), ['10.0.0.2', 7]);
  expect((await receiver.recv(65536)).length).toBe(LONGEST - 28);
  for (const which of ['vde0', a.if_nametoindex('vde0')]) {
    expect(() => a.linksetmtu(which, LONGEST + 1)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining('at most 9216') }),
    );
  }
  expect(a.interfaces().find(({ name }) => name === 'vde0')?.mtu).toBe(LONGEST);
});

test('other interfaces may have a longer one', () => {
  const [a] = net.stacks as [Stack, Stack];
  a.linksetmtu('lo', 65_535);
  expect(a.interfaces().find(({ name }) => name === 'lo')?.mtu).toBe(65_535);
});

test('of the host no interface is refused', async () => {
  await using kernel = new Stack('kernel');
  expect(() => kernel.linksetmtu(2 ** 31 - 1, 65_535)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
});
