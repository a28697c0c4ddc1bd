import { AF_INET, IothError, Stack } from 'ioth';
import type { DelAddressArguments, RouteArguments } from '../../../lib/netlink/index.js';
import { stateOf, useNetwork } from '../../support/network.js';

/** A vdestack that refuses to take an address or a route away while `refuses` is set: the kernel has no such mood. */
class UnwillingStackStandIn extends Stack {
  refuses = '';

  override ipaddr_del(...args: DelAddressArguments): void {
    if (this.refuses === 'address') throw new IothError('EPERM', { syscall: 'RTM_DELADDR' });
    super.ipaddr_del(...(args as Parameters<Stack['ipaddr_del']>));
  }

  override iproute_del(...args: RouteArguments): void {
    if (this.refuses === 'route') throw new IothError('EPERM', { syscall: 'RTM_DELROUTE' });
    super.iproute_del(...(args as Parameters<Stack['iproute_del']>));
  }
}

const STATIC = 'eth,ip=10.0.0.9/24,gw=10.0.0.1,dns=10.0.0.1';
let stack: UnwillingStackStandIn;
afterEach(() => stack.close());
const lan = useNetwork(0, 'test');
beforeEach(async () => {
  await lan.dnsmasq(lan.stack('10.0.0.1/24'), '--dhcp-range=10.0.0.50,10.0.0.90,2m');
  stack = new UnwillingStackStandIn('vdestack', lan.vnl, null, { conf: 'builtin' });
});

test('an address that stays is an error, and is taken away by the next try', async () => {
  await stack.iothconfig(STATIC);
  stack.refuses = 'address';
  const refused = { name: 'IothError', code: 'EPERM', syscall: 'RTM_DELADDR' };
  await expect(stack.iothconfig('-static')).rejects.toMatchObject(refused);
  expect(stateOf(stack)).toEqual({ addresses: ['10.0.0.9/24'], routes: [] });
  expect(stack.ioth_resolvconf() ?? '').toBe('');

  await expect(stack.iothconfig('-static')).rejects.toMatchObject(refused);
  stack.refuses = '';
  await stack.iothconfig('-static');
  expect(stateOf(stack)).toEqual({ addresses: [], routes: [] });
});

test('a route that stays is an error', async () => {
  await stack.iothconfig(STATIC);
  stack.refuses = 'route';
  const refused = { name: 'IothError', code: 'EPERM', syscall: 'RTM_DELROUTE' };
  await expect(stack.iothconfig('-gw=10.0.0.1')).rejects.toMatchObject(refused);
  expect(stateOf(stack).routes).toEqual(['0.0.0.0/0 10.0.0.1']);
  stack.refuses = '';
  await stack.iothconfig('-static');
  expect(stateOf(stack)).toEqual({ addresses: [], routes: [] });
});

test('one that is named says so too, and what was not asked for does not matter', async () => {
  await stack.iothconfig(STATIC);
  stack.refuses = 'address';
  await expect(stack.iothconfig('-ip=10.0.0.9/24')).rejects.toMatchObject({ code: 'EPERM', syscall: 'RTM_DELADDR' });
  await stack.iothconfig('dns=10.0.0.3');
  expect(stateOf(stack).addresses).toEqual(['10.0.0.9/24']);
});

test('a lease that stays says so', async () => {
  await stack.iothconfig('eth,dhcp');
  stack.refuses = 'address';
  await expect(stack.iothconfig('-dhcp')).rejects.toMatchObject({ code: 'EPERM', syscall: 'RTM_DELADDR' });
  stack.refuses = '';
  await stack.iothconfig('-dhcp');
  expect(stateOf(stack).addresses).toEqual([]);
});

test('what is gone already is no error', async () => {
  await stack.iothconfig(`${STATIC},ip=fd00::9/64,gw=fd00::1`);
  const ifindex = stack.if_nametoindex('vde0');
  stack.ipaddr_del(AF_INET, '10.0.0.9', 24, ifindex);
  await stack.iothconfig('-static');
  expect(stateOf(stack)).toEqual({ addresses: [], routes: [] });

  await stack.iothconfig(`${STATIC},ip=fd00::9/64,gw=fd00::1`);
  // takes IPv6 off the interface
  stack.linksetmtu(ifindex, 1000);
  await stack.iothconfig('-static');
  expect(stateOf(stack)).toEqual({ addresses: [], routes: [] });
});
