import { AF_INET6, Stack } from 'ioth';
import { inOneBatch } from '../../../lib/netlink/request.js';
import { TABLES } from '../../../lib/netlink/route-names.js';

/* A new IPv6 address receives at once, though the kernel acknowledges it before it makes the route that this takes. */

const ADDRESSES = Array.from({ length: 200 }, (_, i) => `fd00::1:${(i + 1).toString(16)}`);

let stack: Stack;
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
});
afterEach(() => stack.close());

/** Those of the addresses that the stack takes for its own. */
function localAmong(addresses: readonly string[]): string[] {
  const local = stack.routes(AF_INET6, { all: true }).filter(({ table }) => table === TABLES.local);
  return addresses.filter((address) => local.some(({ dst }) => dst === address));
}

it.each([
  ['up', true],
  ['down', false],
])('each of many on an interface that is %s', (_state, isUp) => {
  stack.linksetupdown('vde0', isUp);
  for (const address of ADDRESSES) {
    stack.ipaddr_add(`${address}/64`, 'vde0');
    expect(localAmong([address])).toEqual([address]);
    stack.ipaddr_del(`${address}/64`, 'vde0');
  }
});

it('two that are added together, with no route to their network', () => {
  stack.linksetupdown('vde0', true);
  for (let i = 0; i < ADDRESSES.length; i += 2) {
    const two = ADDRESSES.slice(i, i + 2);
    inOneBatch(stack.pointer('test'), () => {
      for (const address of two) stack.ipaddr_add(`${address}/128`, 'vde0');
    });
    expect(localAmong(two)).toEqual(two);
  }
});
