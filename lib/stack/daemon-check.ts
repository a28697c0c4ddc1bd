import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from '../constants/index.js';
import { IothError, systemError } from '../core/errors.js';
import { msocket } from '../io/msocket.js';
import { if_nametoindex } from '../netlink/index.js';
import { SwitchPeer } from '../vde/switch-peer.js';
import { missingInterface } from './newstack-error.js';
import { type Daemon, namespaceOfSocket } from './vdestack-daemon.js';
import { interfaceName } from './vnl.js';

/** The fifth peer makes libvdeplug's switch enlarge its table, by realloc(3): before, it may have found blocks that need no lock. */
const CHECK_PEERS = 5;
/** A new daemon that sleeps so long instead of replying is stuck. */
const REPLY_TIMEOUT_MS = 500;

/**
 * Whether the daemon of a stack that makes a switch can serve it.
 *
 * The daemon is a clone: if another thread held malloc's lock at that moment, the lock stays taken in the clone for ever.
 * Its switch allocates memory when peers join: so as many as it takes join here, and are thrown away. The clone has one
 * thread: a lock that was free once is free for ever.
 */
export function canServe(daemon: Daemon, directory: string): boolean {
  const peers: SwitchPeer[] = [];
  const hasReply = (peer: SwitchPeer) => daemon.awaitReply((ms) => peer.hasReply(ms), REPLY_TIMEOUT_MS);
  try {
    for (let i = 0; i < CHECK_PEERS; i++) peers.push(new SwitchPeer(directory));
    for (const peer of peers) if (!hasReply(peer) || !peer.takeReply()) return false;
    for (const peer of peers) peer.leave();
    // what the daemon opened for them it has closed then
    return peers.every(hasReply);
  } finally {
    for (const peer of peers) peer.close();
  }
}

/**
 * Asks a vdestack for its interfaces: a network that could not be joined, or a name that the kernel refused, is seen only by
 * what is missing.
 * @returns the inode of its network namespace, and a descriptor number that is higher than those of its taps
 * @throws {IothError} ENODEV, or the reason why /dev/net/tun cannot be opened
 */
export function checkVdestack(pointer: StackPointer, vnls: readonly string[]): [namespace: number, afterTaps: number] {
  // one socket and one call an interface, where a dialog of netlink takes seven
  const [fd, error] = msocket(pointer, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(error, 'ioth_msocket');
  try {
    checkEach(vnls, (ifname) => {
      const request = Buffer.alloc(IFREQ_SIZE);
      request.write(ifname);
      if (libioth().ioctl(fd, SIOCGIFINDEX, request) < 0) throw systemError(errno(), 'SIOCGIFINDEX');
    });
    // the lowest that was free: the taps were made before
    return [namespaceOfSocket(fd), fd];
  } finally {
    libioth().close(fd);
  }
}

/** The same of any stack, by netlink. */
export function checkInterfaces(pointer: StackPointer, vnls: readonly string[]): void {
  checkEach(vnls, (ifname) => if_nametoindex(pointer, ifname));
}

const SIOCGIFINDEX = 0x8933;
/** `struct ifreq`: char ifr_name[16], and a union. */
const IFREQ_SIZE = 40;

function checkEach(vnls: readonly string[], find: (ifname: string) => void): void {
  vnls.forEach((vnl, position) => {
    const ifname = interfaceName(vnl, position);
    try {
      find(ifname);
    } catch (error) {
      const isMissing = error instanceof IothError && error.code === 'ENODEV';
      throw isMissing ? missingInterface(ifname, vnl, error) : error;
    }
  });
}
