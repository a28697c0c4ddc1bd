import { AF_INET, AF_INET6, Stack } from 'ioth';

jest.mock('../../../lib/netlink/request.js', () => {
  const real = jest.requireActual<typeof import('../../../lib/netlink/request.js')>('../../../lib/netlink/request.js');
  const { failureOf } = jest.requireActual<typeof import('../../../lib/netlink/failure.js')>(
    '../../../lib/netlink/failure.js',
  );
  const { errnoOf } = jest.requireActual<typeof import('../../../lib/core/errno.js')>('../../../lib/core/errno.js');
  /** PICOX STAND-IN: picox says ENODEV of an address or a route that is missing. The rest is a vdestack. */
  const request: typeof real.request = (stack, name, body, options) => {
    try {
      return real.request(stack, name, body, options);
    } catch (error) {
      const { code } = error as { code: string };
      if (!isPicox || !['EADDRNOTAVAIL', 'ESRCH'].includes(code)) throw error;
      const answer = { type: 2, flags: 0, seq: 0, payload: Buffer.from(new Int32Array([-errnoOf('ENODEV')!]).buffer) };
      throw failureOf(answer, name, options?.hints);
    }
  };
  return { ...real, request };
});

let isPicox = false;
let stack: Stack;
let ifindex: number;
beforeEach(() => {
  stack = new Stack('vdestack', 'null://');
  ifindex = stack.if_nametoindex('vde0');
});
afterEach(() => {
  isPicox = false;
  stack.closeSync();
});

function hintOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    return String(error);
  }
  throw new Error('it did not fail');
}

test.each([false, true])(
  'an address that is missing is not an interface that is missing (picox stand-in: %s)',
  (picox) => {
    isPicox = picox;
    const missing = `interface ${ifindex} does not have 10.0.0.1/24`;
    expect(hintOf(() => stack.ipaddr_del(AF_INET, '10.0.0.1', 24, ifindex))).toContain(missing);
    expect(hintOf(() => stack.ipaddr_del(AF_INET, '10.0.0.1', 24, ifindex))).not.toContain('no interface has');
    expect(hintOf(() => stack.ipaddr_del(AF_INET6, 'fd00::1', 64, 77))).toContain('no interface has index 77');
    expect(hintOf(() => stack.ipaddr_add(AF_INET, '10.0.0.1', 24, 77))).toContain('no interface has index 77');
  },
);

test.each([false, true])('a route that is missing (picox stand-in: %s)', (picox) => {
  isPicox = picox;
  const hint = hintOf(() => stack.iproute_del(AF_INET, '10.0.0.9', null, 0, ifindex));
  expect(hint).toContain('the stack has no such route; routes() lists them');
});

test('an interface that is too small for IPv6 says so', () => {
  stack.linksetmtu(ifindex, 1000);
  const small = `interface ${ifindex} has no IPv6, which needs an MTU of 1280 bytes or more`;
  expect(hintOf(() => stack.ipaddr_add(AF_INET6, 'fd00::1', 64, ifindex))).toContain(small);
  expect(hintOf(() => stack.ipaddr_del(AF_INET6, 'fd00::1', 64, ifindex))).toContain(small);
});

test('options that are none are refused by name', () => {
  const refused = (name: string) =>
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining(name) });
  expect(() => stack.ipaddr_add(AF_INET6, 'fd00::1', 64, ifindex, null as never)).toThrow(refused('options'));
  expect(() => stack.ipaddr_add(AF_INET6, 'fd00::1', 64, ifindex, { dad: 'no' as never })).toThrow(
    refused('options.dad'),
  );
  expect(() => stack.routes(AF_INET, null as never)).toThrow(refused('options'));
  expect(() => stack.routes(AF_INET, 5 as never)).toThrow(refused('options'));
});
