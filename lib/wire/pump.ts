/** The thread that carries frames between stacks without a tap and their networks. */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EPOLLIN, libc } from '../../ffi/libc.js';
import { MSG_DONTWAIT, MSG_TRUNC } from '../constants/socket.js';
import { hurry } from '../thread/start-worker.js';
import { TimedEventSet } from '../thread/timed-event-set.js';
import { onWake } from '../thread/wake-socket.js';
import { MAX_FRAME_SIZE, scratch } from '../vde/frame-source.js';
import { FrameStore } from '../vde/frame-store.js';
import { MAX_BATCH, Plug, type PlugParts, type Sender } from '../vde/plug.js';
import {
  BUSY_WORD,
  CLAIMED,
  END_WORD,
  ENDED,
  type PumpSettings,
  STARTING,
  STATE_WORD,
  type WireMessage,
  WORKING,
} from './protocol.js';

/** The longest wait: worker.terminate() has to wait for it. */
const MAX_WAIT_MS = 50;
/** The pause before a receiver that epoll(7) cannot watch is tried again. */
const RETRY_MS = 1;

/** One interface of a stack and its network. */
class Wire implements Sender {
  readonly #control: Int32Array;
  readonly #plug: Plug;
  #isHeld = false;

  /** @throws {IothError} ENOSPC */
  constructor(
    readonly message: WireMessage,
    readonly shared: PlugParts,
  ) {
    const { conn, receiver, sender, control } = message;
    this.#control = new Int32Array(control);
    // the veth drops what comes while the interface is down, as a tap does
    this.#plug = new Plug(conn, shared, (length) => libc().send(sender, scratch, length, MSG_DONTWAIT));
    shared.events.add(receiver, EPOLLIN, () => this.#receive());
    this.#setState(WORKING);
  }

  get mustEnd(): boolean {
    return Atomics.load(this.#control, END_WORD) !== 0;
  }

  #receive(): void {
    // before the first frame leaves the socket: the end of a stack looks at both
    Atomics.store(this.#control, BUSY_WORD, 1);
    for (let i = 0; i < MAX_BATCH && !this.#isHeld; i++) {
      // fails with ENETDOWN, once, when the interface goes down
      const length = libc().recv(this.message.receiver, scratch, MAX_FRAME_SIZE, MSG_DONTWAIT | MSG_TRUNC);
      if (length <= 0) break;
      if (length > MAX_FRAME_SIZE) continue;
      this.#plug.send(scratch, length);
      this.#plug.holdWhileCongested(this);
    }
  }

  setHeld(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.shared.events.modify(this.message.receiver, isHeld ? 0 : EPOLLIN);
  }

  /** Tells the other threads whether frames are still here. */
  report(): void {
    Atomics.store(this.#control, BUSY_WORD, this.#plug.hasWaiting ? 1 : 0);
  }

  end(): void {
    // it releases this sender, whose events it changes
    this.#plug.end();
    this.shared.events.remove(this.message.receiver);
    this.#setState(ENDED);
  }

  #setState(state: number): void {
    Atomics.store(this.#control, STATE_WORD, state);
    Atomics.notify(this.#control, STATE_WORD);
  }
}

/** Serves the wires until the thread is told to end. It never returns to libuv's loop, as the thread of a Fabric. */
function run({ wakefd, control }: PumpSettings, receive: () => WireMessage | undefined): void {
  const shared: PlugParts = { events: new TimedEventSet(), store: new FrameStore(), slowPlugs: new Set() };
  const wires = new Set<Wire>();
  onWake(shared.events, wakefd, () => {
    for (let message = receive(); message; message = receive()) serve(message);
    for (const wire of wires) if (wire.mustEnd && wires.delete(wire)) wire.end();
  });
  const serve = (message: WireMessage) => {
    const state = new Int32Array(message.control);
    // its descriptors may be others by now
    if (Atomics.compareExchange(state, STATE_WORD, STARTING, CLAIMED) !== STARTING) return;
    try {
      wires.add(new Wire(message, shared));
    } catch {
      Atomics.store(state, STATE_WORD, ENDED);
    }
    Atomics.notify(state, STATE_WORD);
  };
  const mustEnd = new Int32Array(control);
  while (Atomics.load(mustEnd, 0) === 0) {
    shared.events.wait(shared.slowPlugs.size > 0 ? RETRY_MS : MAX_WAIT_MS);
    for (const plug of shared.slowPlugs) plug.sendWaiting();
    for (const wire of wires) wire.report();
  }
  shared.events.close();
}

if (parentPort) {
  hurry();
  const port = parentPort;
  run(workerData as PumpSettings, () => receiveMessageOnPort(port)?.message as WireMessage | undefined);
}
