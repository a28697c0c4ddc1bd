import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, errno, libc, POLLIN } from '../../ffi/libc.js';
import type { Messages } from '../../ffi/mmsg.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { MSG_DONTWAIT } from '../constants/socket.js';
import { codeOf } from '../core/errno.js';
import { fileOf } from '../io/open-descriptor.js';
import { isReceiveShutDown, pollOnce } from '../io/poll-sync.js';
import type { TimedEventSet } from '../thread/timed-event-set.js';
import { MIN_FRAME_SIZE, receive, scratch } from './frame-source.js';
import type { FrameStore, StoredFrame } from './frame-store.js';
import type { RawFrames } from './locator.js';
import type { Outbox } from './outbox.js';
import { NodePeers } from './switch/node-peers.js';

/** The number of frames that are received before other plugs get their turn. */
export const MAX_BATCH = 32;
/** The number of frames that may wait for a slow receiver; frames beyond that are lost. */
const MAX_WAITING = 1024;
/** This many waiting frames stop a sender, if it can be stopped. It goes on below half of that. */
const CONGESTED = 256;
/** Stops receiving after this many errors in a row. */
const MAX_ERRORS = 1024;
/** A `struct sockaddr` of AF_UNSPEC, which ends the connection of a datagram socket: connect(2). */
const NO_ADDRESS = new Uint8Array(16);

/** What the plugs of a thread share. */
export interface PlugParts {
  readonly events: TimedEventSet;
  readonly store: FrameStore;
  /** The plugs whose frames have to be tried again: epoll(7) does not report when. */
  readonly slowPlugs: Set<Plug>;
  /** The memory for batches of frames, where the thread receives and sends in batches. */
  readonly batches?: { readonly inbox: Messages; readonly outbox: Outbox };
}

/** The source of the frames that a plug sends. */
export interface Sender {
  /** Stops receiving from it, or goes on. */
  setHeld(isHeld: boolean): void;
}

/** A `VDECONN *` in the thread that uses it. The thread that opened it closes it. */
export class Plug implements Sender {
  readonly fd: number;
  readonly #isSocket: boolean;
  /** The peers of a node (`switch://`, `hub://`). */
  readonly #peers: NodePeers | undefined;
  /** The frames that wait for a slow receiver. */
  readonly #waiting: StoredFrame[] = [];
  #errors = 0;
  #isWritableWatched = false;
  /** The sender that waits until this plug has sent enough. */
  #heldSender: Sender | undefined;
  #isHeld = false;
  #isEnded = false;

  /**
   * @param onFrame gets the length of a frame in {@link scratch}
   * @param raw says that its socket carries frames as they are
   * @throws {IothError} ENOSPC
   */
  constructor(
    readonly conn: VdeConnPointer,
    readonly shared: PlugParts,
    readonly onFrame: (length: number) => void,
    readonly raw?: RawFrames,
  ) {
    this.fd = libvdeplug().datafd(conn);
    const { kind } = fileOf(this.fd);
    this.#isSocket = kind === 'socket';
    this.#peers = kind === 'eventpoll' ? new NodePeers(this.fd) : undefined;
    shared.events.add(this.fd, EPOLLIN, (ready) => this.#onReady(ready));
  }

  #onReady(ready: number): void {
    if (ready & EPOLLOUT) this.sendWaiting();
    if (ready & EPOLLIN) this.#receive();
    else if (ready & (EPOLLHUP | EPOLLERR)) this.#noteError();
  }

  #receive(): void {
    const { batches } = this.shared;
    if (this.raw && batches) this.#receiveBatch(batches.inbox, batches.outbox);
    else this.#receiveEach();
  }

  /** Receives by recvmmsg(2) what vde_recv(3) would by recv(2). */
  #receiveBatch(inbox: Messages, outbox: Outbox): void {
    if (this.#isHeld) return;
    const count = inbox.receive(this.fd, MSG_DONTWAIT);
    if (count < 0 && !isTemporary(errno())) this.#noteError();
    // one frame is sent at once
    outbox.isOpen = count > 1;
    for (let i = 0; i < count; i++) {
      const length = inbox.lengthOf(i);
      if (length >= MIN_FRAME_SIZE) {
        this.#errors = 0;
        inbox.bytes[i]!.copy(scratch, 0, 0, length);
        this.onFrame(length);
      } else if (length === 0 && this.#hasEnded()) break;
    }
    outbox.isOpen = false;
    outbox.flush();
  }

  /** Handles a message without bytes. Returns true if no more will come. */
  #hasEnded(): boolean {
    if (isReceiveShutDown(this.fd)) {
      this.#noteError();
      return true;
    }
    // the peer has left: its socket would refuse frames, and ours those of the next peer
    if (this.raw === 'ptp') libc().connect(this.fd, NO_ADDRESS, NO_ADDRESS.length);
    return false;
  }

  #receiveEach(): void {
    let others = 0;
    for (let i = 0; i < MAX_BATCH && !this.#isHeld; i++) {
      // except for a socket, vde_recv(3) blocks if there is no frame; epoll(7) reported the first one
      if (i > 0 && !this.#isSocket && (pollOnce(this.fd, POLLIN, 0) & POLLIN) === 0) break;
      const length = receive(this.conn);
      if (length >= MIN_FRAME_SIZE) {
        this.#errors = 0;
        this.onFrame(length);
      } else if (length > 0) others++;
      else if (length === 0 ? this.#isSocket && !isReceiveShutDown(this.fd) : isTemporary(errno())) break;
      else {
        this.#noteError();
        break;
      }
    }
    if (others > 0) this.#peers?.afterCalls(others, MAX_BATCH);
  }

  #noteError(): void {
    if (++this.#errors === MAX_ERRORS) this.shared.events.remove(this.fd);
  }

  /**
   * Sends the first `length` bytes of `frame`, at once, with others of a batch, or when the receiver takes them.
   * @param onLoss called if they are lost later
   * @returns false if they are lost
   */
  send(frame: Buffer, length: number, onLoss: (length: number) => void = ignore): boolean {
    const outbox = this.shared.batches?.outbox;
    if (!outbox?.isOpen || !this.raw || this.#waiting.length > 0) return this.sendAlone(frame, length);
    outbox.add(this, frame, length, onLoss);
    return true;
  }

  /** Sends as {@link send}, but not with others. */
  sendAlone(frame: Buffer, length: number): boolean {
    if (this.#waiting.length === 0) {
      if (libvdeplug().send(this.conn, frame, length, 0) >= 0) return true;
      if (!isTemporary(errno())) return false;
    }
    return this.keep(frame, length);
  }

  /** Keeps a frame until the receiver takes it. Returns false if it is lost. */
  keep(frame: Buffer, length: number): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    const stored = this.shared.store.store(frame, length);
    if (!stored) return false;
    this.#waiting.push(stored);
    if (this.#waiting.length === 1) this.#watchWritable(true);
    return true;
  }

  /** True if frames wait for a slow receiver. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends waiting frames, as many as the receiver takes. */
  sendWaiting(): void {
    // a receiver that takes no batch may have to be connected again
    const sent = this.#sendBatch() || this.#sendEach();
    for (const frame of this.#waiting.splice(0, sent)) this.shared.store.release(frame);
    if (this.#waiting.length === 0) this.#watchWritable(false);
    if (this.#waiting.length < CONGESTED / 2) this.#releaseSender();
  }

  /** Sends waiting frames together, if it can. Returns how many were sent. */
  #sendBatch(): number {
    return (this.raw && this.shared.batches?.outbox.sendWaiting(this.fd, this.#waiting)) ?? 0;
  }

  /** Sends waiting frames by vde_send(3) until one has to wait. Returns how many were sent, or lost. */
  #sendEach(): number {
    const { length } = this.#waiting;
    const first = this.#waiting.findIndex(
      (frame) => libvdeplug().send(this.conn, frame.bytes, frame.length, 0) < 0 && isTemporary(errno()),
    );
    return first < 0 ? length : first;
  }

  /** Stops receiving from `sender` while too many frames wait here. Its own queue fills, and it waits. */
  holdWhileCongested(sender: Sender): void {
    if (this.#waiting.length < CONGESTED || this.#heldSender) return;
    this.#heldSender = sender;
    sender.setHeld(true);
  }

  #releaseSender(): void {
    const sender = this.#heldSender;
    sender?.setHeld(false);
    this.#heldSender = undefined;
  }

  setHeld(isHeld: boolean): void {
    // the peers of a node are served by what it receives
    if (this.#peers) return;
    this.#isHeld = isHeld;
    this.#updateWatch();
  }

  /** Watches for room in the receiver. epoll(7) reports it for a socket; anything else has to be tried again. */
  #watchWritable(isWatched: boolean): void {
    if (!this.#isSocket) this.shared.slowPlugs[isWatched ? 'add' : 'delete'](this);
    this.#isWritableWatched = isWatched && this.#isSocket;
    this.#updateWatch();
  }

  #updateWatch(): void {
    if (this.#errors >= MAX_ERRORS || this.#isEnded) return;
    this.shared.events.modify(this.fd, (this.#isHeld ? 0 : EPOLLIN) | (this.#isWritableWatched ? EPOLLOUT : 0));
  }

  /** Ends the use of the port. Its file descriptor may be closed after that. */
  end(): void {
    this.#isEnded = true;
    this.#peers?.close();
    this.#releaseSender();
    this.shared.events.remove(this.fd);
    this.shared.slowPlugs.delete(this);
    for (const frame of this.#waiting.splice(0)) this.shared.store.release(frame);
  }
}

function ignore(): void {}

function isTemporary(error: number): boolean {
  const code = codeOf(error);
  return code === 'EAGAIN' || code === 'EINTR' || code === 'ENOBUFS';
}
