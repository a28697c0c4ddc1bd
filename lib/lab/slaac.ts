import { setTimeout as delay } from 'node:timers/promises';
import { trySend } from '../config/receive-loop.js';
import { encodeSolicit, ND_ROUTER_ADVERT } from '../config/router-discovery/message.js';
import { RouterDiscoverySocket } from '../config/router-discovery/sockets.js';
import { AF_INET6 } from '../constants/socket.js';
import { IothError } from '../core/errors.js';
import type { Stack } from '../stack/stack.js';
import type { Attachment } from './topology/host-plan.js';

const TIMEOUT_MS = 30_000;
/** A network may lose the solicitation of the kernel, which sends the next one after 4 seconds. */
const SOLICIT_AFTER_MS = 1000;
const POLL_MS = 5;

/**
 * Waits until the kernel of a host has made its IPv6 address from router advertisements.
 * @throws {IothError} ETIMEDOUT
 * @throws {AbortError}
 */
export async function awaitSlaac(stack: Stack, attachment: Attachment, signal: AbortSignal): Promise<void> {
  const { network, addresses } = attachment;
  const ifindex = stack.if_nametoindex(network.name);
  const wanted = addresses.get(AF_INET6);
  const isReady = () => stack.addressesOf(ifindex).some(({ address, tentative }) => address === wanted && !tentative);
  for (let waited = 0; !isReady(); waited += POLL_MS) {
    if (waited >= TIMEOUT_MS) {
      const hint = `no router advertised a prefix on network '${network.name}' for ${wanted}`;
      throw new IothError('ETIMEDOUT', { syscall: 'slaac', hint });
    }
    if (waited > 0 && waited % SOLICIT_AFTER_MS === 0) solicit(stack, attachment);
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Asks routers for advertisements, as a kernel does when a cable is plugged in: it does not see that of a lab. */
export function solicit(stack: Stack, { network, mac }: Attachment): void {
  trySend(() => {
    const socket = new RouterDiscoverySocket(stack, stack.if_nametoindex(network.name), ND_ROUTER_ADVERT);
    socket.open();
    socket.send(encodeSolicit(mac));
    socket.close();
  });
}
