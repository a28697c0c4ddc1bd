import { readFileSync } from 'node:fs';
import { libc, POLLHUP, POLLIN } from '../../ffi/libc.js';
import { SO_ACCEPTCONN, SOL_SOCKET } from '../constants/index.js';
import { pollOnce } from '../io/poll-sync.js';

/**
 * The control sockets of peers that joined a node (`switch://`, `hub://`, `multi://`, `bonding://`) without asking for a port
 * yet. libvdeplug never closes them, not with the node, and not when they have hung up: its event set stays ready then, for
 * ever. The set has them with a word of their own descriptor and of the listening one.
 * @param epfd the event set of the node
 */
export function waitingPeers(epfd: number): number[] {
  const watched = readFileSync(`/proc/self/fdinfo/${epfd}`, 'latin1').matchAll(
    /^tfd:\s*(\d+) events:\s*[0-9a-f]+ data:\s*([0-9a-f]+)/gm,
  );
  return Array.from(watched, ([, fd, data]) => [Number(fd), Number(BigInt(`0x${data}`) >> 32n)] as const)
    .filter(([fd, other]) => fd !== other && isListening(other))
    .map(([fd]) => fd);
}

/** Closes those of them that hung up. */
export function closeGonePeers(epfd: number): void {
  for (const fd of waitingPeers(epfd)) if (pollOnce(fd, POLLIN, 0) & POLLHUP) libc().close(fd);
}

function isListening(fd: number): boolean {
  const value = new Int32Array(1);
  const failed =
    libc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, new Uint8Array(value.buffer), new Uint32Array([4])) < 0;
  return !failed && value[0] === 1;
}
