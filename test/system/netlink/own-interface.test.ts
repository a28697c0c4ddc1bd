import { AF_INET, Stack } from 'ioth';
import { interfaceName } from '../../../lib/vdestack/vnl.js';
import { expectAtRest } from '../../support/at-rest.js';
import { inNamespace } from '../../support/namespace.js';
import { configure, useNetwork } from '../../support/network.js';

let stack: Stack;
// before the network's own
afterEach(() => stack.close());
const net = useNetwork(1, 'test');
beforeEach(() => {
  stack = new Stack('vdestack', [net.vnl, `right:${net.vnl}`]);
  configure(stack, 7);
});

const busy = (ifname: string, ifindex: number) =>
  expect.objectContaining({
    code: 'EBUSY',
    syscall: 'RTM_DELLINK',
    message: expect.stringContaining(`${ifname} joins the stack to its network: linksetupdown(${ifindex}, false)`),
  });

test('an interface that joined a network is not deleted, by name or by index, and costs nothing', async () => {
  const names = stack.vnl.map(interfaceName);
  expect(names).toEqual(['vde0', 'right']);
  for (const ifname of names) {
    const ifindex = stack.if_nametoindex(ifname);
    expect(() => stack.iplink_del({ ifname })).toThrow(busy(ifname, ifindex));
    expect(() => stack.iplink_del({ ifindex })).toThrow(busy(ifname, ifindex));
    expect(() => stack.iplink_del({ ifname: 'lo', ifindex })).toThrow(busy(ifname, ifindex));
  }
  await expectAtRest(stack.daemonPid!);

  const listener = net.stacks[0]!.socket();
  listener.bind(['10.0.0.1', 80]);
  listener.listen();
  const socket = stack.socket();
  await socket.connect(['10.0.0.1', 80]);
  socket.close();
  listener.close();
});

test('the hint holds: down, it takes no part and costs nothing', async () => {
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(ifindex, false);
  await expectAtRest(stack.daemonPid!);
  expect(() => stack.socket().sync.connect(['10.0.0.1', 80])).toThrow(expect.objectContaining({ code: 'ENETUNREACH' }));
});

test('a new name does not make it free', () => {
  const ifindex = stack.if_nametoindex('vde0');
  inNamespace(stack.daemonPid!, 'ip', 'link', 'set', 'vde0', 'down');
  inNamespace(stack.daemonPid!, 'ip', 'link', 'set', 'vde0', 'name', 'other');
  expect(() => stack.iplink_del({ ifindex })).toThrow(busy('other', ifindex));
  expect(() => stack.iplink_del({ ifname: 'other' })).toThrow(busy('other', ifindex));
});

test('its name does not protect another interface', () => {
  inNamespace(stack.daemonPid!, 'ip', 'link', 'set', 'vde0', 'down');
  inNamespace(stack.daemonPid!, 'ip', 'link', 'set', 'vde0', 'name', 'other');
  const bridge = stack.iplink_add(-1, 'bridge', [], 'vde0');
  stack.iplink_del({ ifname: 'vde0' });
  expect(stack.if_nameindex().map(([index]) => index)).not.toContain(bridge);
});

test('what it did not join with is deleted as before, a tap of somebody else too', () => {
  const bridge = stack.iplink_add(-1, 'bridge', [], 'br0');
  stack.iplink_del({ ifindex: bridge });
  inNamespace(stack.daemonPid!, 'ip', 'tuntap', 'add', 'tap7', 'mode', 'tap');
  stack.iplink_del({ ifname: 'tap7' });
  expect(stack.if_nameindex().map(([, name]) => name)).toEqual(['lo', 'vde0', 'right']);
  expect(() => stack.iplink_del({ ifname: 'gone' })).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  stack.ipaddr_del(AF_INET, '10.0.0.7', 24, stack.if_nametoindex('vde0'));
});
