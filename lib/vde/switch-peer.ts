import { join } from 'node:path';

import { errno, libc } from '../../ffi/libc.js';
import { encodeSockaddr } from '../address/sockaddr.js';
import { AF_UNIX, MSG_NOSIGNAL, SHUT_WR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../constants/index.js';
import { onAbort } from '../core/abort.js';
import { AbortError, systemError } from '../core/errors.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';

const SWITCH_MAGIC = 0xfeedface;
const REQUEST_VERSION = 3;
const REQ_NEW_CONTROL = 0;
const HEADER_SIZE = 12;
const SOCKADDR_UN_SIZE = 110;

/**
 * A peer of a switch, a hub or the like that joins as vde_open(3) does for `vde://`, but carries no packets: it finds out
 * whether somebody serves there.
 */
export class SwitchPeer {
  readonly fd: number;

  /**
   * Connects to the node's control socket and asks for a port.
   * @throws {IothError} ENOENT, ECONNREFUSED: nobody listens there; EAGAIN: too many wait there already; EMFILE
   */
  constructor(directory: string) {
    const address = encodeSockaddr(AF_UNIX, join(directory, 'ctl'), () => 0);
    const request = newPortRequest();
    this.fd = libc().socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (this.fd < 0) throw systemError(errno(), 'socket');
    if (
      libc().connect(this.fd, address.bytes, address.length) < 0 ||
      libc().send(this.fd, request, request.length, MSG_NOSIGNAL) < 0
    ) {
      const error = systemError(errno(), 'connect', { address: directory });
      this.close();
      throw error;
    }
  }

  /** Waits `milliseconds` at most: whether the node answered, or hung up. */
  hasReply(milliseconds: number): boolean {
    return waitSync(this.fd, READABLE, milliseconds);
  }

  /**
   * Waits for the same in the loop, `milliseconds` at most.
   * @throws {EpollError} out of descriptors
   */
  replied(milliseconds: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const poll = new PollHandle(this.fd, READABLE, () => finish(true));
      const timer = setTimeout(() => finish(false), milliseconds);
      const stopListening = signal ? onAbort(signal, () => finish(new AbortError(signal.reason))) : () => {};
      function finish(result: boolean | Error): void {
        poll.close();
        clearTimeout(timer);
        setImmediate(() => stopListening());
        if (typeof result === 'boolean') resolve(result);
        else reject(result);
      }
    });
  }

  /** Takes the answer of a node that {@link hasReply}: false where it hung up. */
  takeReply(): boolean {
    const reply = new Uint8Array(SOCKADDR_UN_SIZE);
    return libc().recv(this.fd, reply, reply.length, 0) > 0;
  }

  /** Says good-bye: the node hangs up then. */
  leave(): void {
    libc().shutdown(this.fd, SHUT_WR);
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** `struct request_v3` of libvdeplug, packed. The data socket that it names does not exist: nothing is sent to it. */
function newPortRequest(): Uint8Array {
  const request = new ArrayBuffer(HEADER_SIZE + SOCKADDR_UN_SIZE);
  new Uint32Array(request, 0, 3).set([SWITCH_MAGIC, REQUEST_VERSION, REQ_NEW_CONTROL]);
  new Uint16Array(request, HEADER_SIZE, 1)[0] = AF_UNIX;
  return new Uint8Array(request);
}
