import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { IPPROTO_TCP } from '../constants/inet.js';
import { NETLINK_SOCK_DIAG } from '../constants/netlink.js';
import { AF_INET, AF_INET6, AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW } from '../constants/socket.js';
import { viewOf } from '../core/byte-order.js';
import { msocket } from '../io/msocket.js';
import { NLM_F_REQUEST } from '../netlink/constants.js';
import { encodeMessage } from '../netlink/message.js';
import type { Undelivered } from './undelivered.js';

// linux/sock_diag.h
const SOCK_DESTROY = 21;
/** The size of `struct inet_diag_req_v2` of linux/inet_diag.h. */
const REQUEST_SIZE = 56;
const ALL_STATES = 0xffffffff;
/** INET_DIAG_NOCOOKIE, in each of two words. */
const NO_COOKIE = 0xffffffff;

/**
 * Ends connections with a RST to the peer (sock_diag(7), SOCK_DESTROY). A kernel without CONFIG_INET_DIAG_DESTROY ignores this,
 * and then the peers time out.
 */
export function resetConnections(stack: StackPointer, connections: readonly Undelivered[]): void {
  const [fd] = msocket(stack, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return;
  for (const connection of connections) {
    const message = encodeMessage({ type: SOCK_DESTROY, flags: NLM_F_REQUEST, seq: 1 }, requestFor(connection));
    libioth().send(fd, message, message.length, 0);
  }
  libioth().close(fd);
}

function requestFor({ family, local, remote }: Undelivered): Buffer {
  const bytes = Buffer.alloc(REQUEST_SIZE);
  bytes[0] = family === 'tcp' ? AF_INET : AF_INET6;
  bytes[1] = IPPROTO_TCP;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, REQUEST_SIZE / 4);
  words[1] = ALL_STATES;
  [local, remote].forEach((end, i) => {
    const [address = '', port = ''] = end.split(':');
    viewOf(bytes).setUint16(8 + 2 * i, Number.parseInt(port, 16));
    // /proc has the words of an address in the machine's byte order
    words.set(
      (address.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 16)),
      3 + 4 * i,
    );
  });
  words.fill(NO_COOKIE, 12, 14);
  return bytes;
}
