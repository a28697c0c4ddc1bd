import { AF_INET, Stack } from 'ioth';
import { Lab } from 'ioth/lab';
import { libioth } from '../../../ffi/ioth.js';
import { inOneBatch } from '../../../lib/netlink/request.js';

/* Changes that go to the kernel together. */

let stack: Stack;
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
  stack.linksetupdown('vde0', true);
});
afterEach(() => stack.close());

const together = (work: () => void) => inOneBatch(stack.pointer('test'), work);
const addressesOf = (name: string) =>
  stack
    .addressesOf(stack.if_nametoindex(name))
    .filter(({ family }) => family === AF_INET)
    .map(({ address }) => address);
/** Counts the messages that `work` sends. */
async function countSends<T>(work: () => T): Promise<[count: number, result: Awaited<T>]> {
  const sends = jest.spyOn(libioth(), 'send');
  const result = await work();
  const count = sends.mock.calls.length;
  sends.mockRestore();
  return [count, result];
}
const some = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);

it('changes are one message, and a question comes after those before it', async () => {
  const index = stack.if_nametoindex('vde0');
  const seen: string[][] = [];
  const [count] = await countSends(() =>
    together(() => {
      for (const address of some(3)) stack.ipaddr_add(`${address}/16`, index);
      seen.push(stack.addressesOf(index).map(({ address }) => address));
      for (const net of some(4)) stack.iproute_add(`192.168.${net.at(-1)}.0/24 via 10.0.0.9`);
    }),
  );
  expect(seen).toEqual([expect.arrayContaining(some(3))]);
  expect(stack.routes().filter(({ dst }) => dst?.startsWith('192.168.'))).toHaveLength(4);
  expect(count).toBe(3);
});

it('many changes are made, in some messages', async () => {
  const [count] = await countSends(() =>
    together(() => {
      for (const address of some(300)) stack.ipaddr_add(`${address}/16`, 'vde0');
    }),
  );
  expect(addressesOf('vde0')).toEqual(some(300));
  expect(count).toBe(6);
});

it('the first change that the stack refused is the error, as if it were alone; the others are made', () => {
  const add = () => {
    stack.ipaddr_add('10.0.0.1/24', 'vde0');
    stack.iproute_add('default via 172.16.0.1');
    stack.ipaddr_add('10.0.0.1/24', 'vde0');
    stack.ipaddr_add('10.0.0.2/24', 'vde0');
  };
  let alone: unknown;
  try {
    stack.iproute_add('default via 172.16.0.1');
  } catch (error) {
    alone = error;
  }
  expect(() => together(add)).toThrow(alone as Error);
  expect(addressesOf('vde0')).toEqual(['10.0.0.1', '10.0.0.2']);
});

it('each of many may fail', () => {
  const again = () => {
    for (const address of some(200)) stack.ipaddr_add(`${address}/16`, 'vde0');
  };
  together(again);
  expect(() => together(again)).toThrow(expect.objectContaining({ code: 'EEXIST', syscall: 'RTM_NEWADDR' }));
});

it('work that fails makes no change that has not been sent', () => {
  const work = () => {
    stack.ipaddr_add('10.0.0.1/24', 'vde0');
    throw new Error('changed my mind');
  };
  expect(() => together(work)).toThrow('changed my mind');
  expect(addressesOf('vde0')).toEqual([]);
});

it('a host of a lab is configured by few messages, however many neighbours and routes it has', async () => {
  const hosts: Record<string, 'lan'> = Object.fromEntries(some(24).map((_, i) => [`h${i}`, 'lan']));
  const [count, made] = await countSends(() => Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts }));
  await using lab = made;
  expect(lab.hosts.h1!.stack.addressesOf(2).map(({ address }) => address)).toContain('10.0.0.2');
  expect(count).toBe(24 * 2);
});
