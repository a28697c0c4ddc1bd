import { Messages } from '../../ffi/mmsg.js';
import { MSG_DONTWAIT } from '../constants/socket.js';
import { MAX_FRAME_SIZE } from './frame-source.js';
import type { StoredFrame } from './frame-store.js';

const MAX_FRAMES = 32;

/** What an {@link Outbox} needs of a plug. */
interface Sender {
  readonly fd: number;
  /** Sends one frame by vde_send(3), or keeps it until the receiver takes it. Returns false if it is lost. */
  sendAlone(frame: Buffer, length: number): boolean;
  /** Keeps one frame until the receiver takes it. Returns false if it is lost. */
  keep(frame: Buffer, length: number): boolean;
}

/**
 * Frames that one sendmmsg(2) for each receiver sends, in their order, while frames come in a batch. It is open only then: of what
 * is lost here only the count is known, and not by whom.
 */
export class Outbox {
  isOpen = false;
  readonly #messages = new Messages(MAX_FRAMES, MAX_FRAME_SIZE);
  readonly #lengths: number[] = [];
  readonly #senders: Sender[] = [];
  readonly #losses: ((length: number) => void)[] = [];

  /** @param onLoss called if the frame could not be sent */
  add(sender: Sender, frame: Buffer, length: number, onLoss: (length: number) => void): void {
    if (this.#senders.length === MAX_FRAMES) this.flush();
    const place = this.#senders.push(sender) - 1;
    this.#load(place, frame, length);
    this.#lengths[place] = length;
    this.#losses[place] = onLoss;
  }

  /** Sends all frames. */
  flush(): void {
    const senders = this.#senders;
    for (let first = 0, end = 0; first < senders.length; first = end) {
      const sender = senders[first]!;
      for (end = first + 1; senders[end] === sender; end++);
      this.#send(sender, first, end);
    }
    senders.length = 0;
  }

  /** Sends frames that wait for a receiver, while the outbox is not open. Returns how many it took. */
  sendWaiting(fd: number, frames: readonly StoredFrame[]): number {
    const count = Math.min(frames.length, MAX_FRAMES);
    for (let i = 0; i < count; i++) this.#load(i, frames[i]!.bytes, frames[i]!.length);
    return Math.max(0, this.#messages.send(fd, 0, count, MSG_DONTWAIT));
  }

  #load(place: number, frame: Buffer, length: number): void {
    frame.copy(this.#messages.bytes[place]!, 0, 0, length);
    this.#messages.setLength(place, length);
  }

  #send(sender: Sender, first: number, end: number): void {
    const sent = this.#messages.send(sender.fd, first, end - first, MSG_DONTWAIT);
    for (let i = first + Math.max(0, sent); i < end; i++) {
      const [bytes, length] = [this.#messages.bytes[i]!, this.#lengths[i]!];
      // a receiver that takes none may have to be connected again; one that took some is full
      const isTaken = sent > 0 ? sender.keep(bytes, length) : sender.sendAlone(bytes, length);
      if (!isTaken) this.#losses[i]!(length);
    }
  }
}
