import { join } from 'node:path';

import { errno, libc } from '../../../ffi/libc.js';
import { encodeSockaddr } from '../../address/sockaddr.js';
import { AF_UNIX, MSG_NOSIGNAL, SHUT_WR, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../constants/socket.js';
import { onAbort } from '../../core/abort.js';
import { AbortError, systemError } from '../../core/errors.js';
import { PollHandle, READABLE } from '../../io/poll-handle.js';
import { waitSync } from '../../io/poll-sync.js';

const SWITCH_MAGIC = 0xfeedface;
const REQUEST_VERSION = 3;
const REQ_NEW_CONTROL = 0;
const HEADER_SIZE = 12;
const SOCKADDR_UN_SIZE = 110;

/**
 * A peer of a switch, a hub or the like. It joins as vde_open(3) of `vde://` does, but carries no frames: it only finds out
 * whether a process serves the network.
 */
export class SwitchPeer {
  readonly fd: number;

  /**
   * Connects to the node's control socket and asks for a port.
   * @throws {IothError} ENOENT, ECONNREFUSED: no process listens; EAGAIN: the queue of connections is full; EMFILE
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

  /** Waits at most `milliseconds`, and blocks. Returns whether the node answered or hung up. */
  hasReply(milliseconds: number): boolean {
    return waitSync(this.fd, READABLE, milliseconds);
  }

  /**
   * Waits in the loop, at most `milliseconds`. Returns whether the node answered or hung up.
   * @throws {IothError} if descriptors run out; {AbortError}
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

  /** Reads the answer after {@link hasReply} or {@link replied}. Returns false if the node hung up. */
  takeReply(): boolean {
    const reply = new Uint8Array(SOCKADDR_UN_SIZE);
    return libc().recv(this.fd, reply, reply.length, 0) > 0;
  }

  /** Shuts down the sending side: the node hangs up then. */
  leave(): void {
    libc().shutdown(this.fd, SHUT_WR);
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** Returns a packed `struct request_v3` of libvdeplug. Its data socket does not exist, so no frame comes. */
function newPortRequest(): Uint8Array {
  const request = new ArrayBuffer(HEADER_SIZE + SOCKADDR_UN_SIZE);
  new Uint32Array(request, 0, 3).set([SWITCH_MAGIC, REQUEST_VERSION, REQ_NEW_CONTROL]);
  new Uint16Array(request, HEADER_SIZE, 1)[0] = AF_UNIX;
  return new Uint8Array(request);
}
