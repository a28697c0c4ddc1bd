import os from 'node:os';
import { ipBytes, ipText, isLinkLocalIPv6, isLoopback, netmaskOf } from '../address/ip.js';
import { IFF_LOOPBACK, IFF_LOWER_UP, IFF_RUNNING, IFF_UP } from '../constants/packet.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { stackInUse } from './current-stack.js';
import type { NetworkInterfaces, NodeStack } from './node-stack.js';
import { replaceFunction } from './replace.js';
import { bringUpLoopback } from './stack-sockets.js';

const NO_MAC = '00:00:00:00:00:00';

/** Makes os.networkInterfaces() and os.hostname() those of the current stack. */
export function patchOs(): void {
  replaceFunction(os, 'networkInterfaces', (original) => () => {
    const stack = stackInUse.of();
    return stack ? networkInterfacesOf(stack) : original();
  });
  replaceFunction(os, 'hostname', (original) => () => stackInUse.of()?.local?.gethostname() ?? original());
  // that of Node, for `${os.hostname}`, calls the original
  Reflect.set(os.hostname, Symbol.toPrimitive, () => os.hostname());
}

/**
 * Returns the interfaces of a stack as os.networkInterfaces() does; none for a stack that is closed or dead, as libraries ask in
 * timers, where nothing catches an error.
 */
export function networkInterfacesOf(stack: NodeStack): NetworkInterfaces {
  const { local } = stack;
  if (!local) return stack.networkInterfaces?.() ?? {};
  try {
    stack.checkUsable();
  } catch {
    return {};
  }
  bringUpLoopback(local);
  return listed(local);
}

function listed(stack: StackInterface): NetworkInterfaces {
  const found: NetworkInterfaces = {};
  // the kernel sets IFF_RUNNING only a moment later; picox sets no other
  const carrier = stack.hasKernelSockets ? IFF_LOWER_UP : IFF_RUNNING;
  for (const { name, flags, mac, ifindex, addresses } of stack.interfaces()) {
    // as libuv
    if (!(flags & IFF_UP) || !(flags & carrier)) continue;
    // an IPv4 address may have a name of its own: 'vde0:1'
    for (const { address, family, prefixlen, label = name } of addresses) {
      const bytes = ipBytes(address);
      const entry = {
        address,
        netmask: ipText(netmaskOf(bytes.length, prefixlen)),
        mac: mac ?? NO_MAC,
        // picox has no flag for it
        internal: (flags & IFF_LOOPBACK) !== 0 || isLoopback(address),
        cidr: `${address}/${prefixlen}`,
      };
      const scopeid = isLinkLocalIPv6(bytes) ? ifindex : 0;
      const all = found[label] ?? [];
      all.push(family === 'IPv4' ? { ...entry, family } : { ...entry, family, scopeid });
      found[label] = all;
    }
  }
  return found;
}
