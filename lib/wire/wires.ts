import type { StackPointer } from '../../ffi/ioth.js';
import { libc } from '../../ffi/libc.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { IothError } from '../core/errors.js';
import { fileOf } from '../io/open-descriptor.js';
import { READABLE } from '../io/poll-handle.js';
import { waitSync } from '../io/poll-sync.js';
import { if_nameindex } from '../netlink/index.js';
import { asHint } from '../process/obstacle.js';
import { tunObstacle } from '../process/tun-device.js';
import { refusalObstacle } from '../process/user-namespaces.js';
import { ThreadPort } from '../vde/thread-port.js';
import { PumpThread, type ServedWire } from './pump-thread.js';
import { addVeth, closeSockets, openSockets, type WireSockets } from './veth.js';

/** The stack that joins networks, and how. */
export interface WireRequest {
  readonly stack: StackPointer;
  /** The names of its interfaces. */
  readonly interfaces: readonly string[];
  /** Opens the network of the interface at this position. */
  open(position: number): VdeConnPointer;
  /** Called if the wires end before the stack. */
  onFailure(): void;
}

/** What is open for one interface. */
interface Wire {
  readonly port: ThreadPort;
  readonly sockets: WireSockets;
  readonly served: ServedWire;
}

// linux/sockios.h
const SIOCOUTQ = 0x5411;

/** The wires of all stacks of this thread. */
const all = new Set<Wires>();
let thread: PumpThread | undefined;

/** The interfaces of a stack that joins networks without /dev/net/tun, and the thread that carries their frames. */
export class Wires {
  readonly #wires: Wire[] = [];

  private constructor() {
    all.add(this);
  }

  /**
   * Gives a stack an interface for each network.
   * @throws {IothError} what `open` throws; ENOTSUP if the kernel has no veth; EMFILE, ENOSPC, ETIMEDOUT
   */
  static join(request: WireRequest): Wires {
    const wires = new Wires();
    try {
      const first = Math.max(...if_nameindex(request.stack).map(([ifindex]) => ifindex)) + 1;
      request.interfaces.forEach((_name, position) => {
        wires.#wires.push(open(request, first + position, position));
      });
      return wires;
    } catch (error) {
      wires.endSync();
      throw error;
    }
  }

  /** True if frames of the stack are on their way, or the switch has not read all of them. */
  get hasFrames(): boolean {
    return this.#wires.some(
      ({ port, sockets, served }) => waitSync(sockets.receiver, READABLE, 0) || served.isBusy || isUnread(port.conn),
    );
  }

  /** The processes of its `cmd://` networks. */
  get commands(): number[] {
    return this.#wires.flatMap(({ port }) => port.commands);
  }

  /** Takes the stack off its networks. Ends the thread if no other stack uses it. */
  async end(): Promise<void> {
    const ends = this.#release().map((port) => port.close());
    const last = this.#lastThread();
    await Promise.all([...ends, last?.end()]);
  }

  /** Ends them as {@link end}, but blocks the thread for the command of a cmd://, and does not wait for the thread of wires. */
  endSync(): void {
    for (const port of this.#release()) port.closeSync();
    this.#lastThread()?.endSoon();
  }

  /** Returns the ports that the thread uses no more. */
  #release(): ThreadPort[] {
    return this.#wires.splice(0).flatMap(({ port, sockets, served }) => {
      // what a thread that hangs uses is left to the end of the process
      if (!served.end()) return [];
      closeSockets(sockets);
      return port;
    });
  }

  #lastThread(): PumpThread | undefined {
    all.delete(this);
    if (all.size > 0) return undefined;
    const last = thread;
    thread = undefined;
    return last;
  }
}

function open({ stack, interfaces, ...request }: WireRequest, ifindex: number, position: number): Wire {
  const ifname = interfaces[position] as string;
  const port = new ThreadPort(request.open(position));
  let sockets: WireSockets | undefined;
  try {
    sockets = openSockets(stack, ifname, ifindex, addVeth(stack, ifname, ifindex, position));
    // one that died has failed its wires already
    if (!thread || thread.hasExited) thread = new PumpThread();
    const served = thread.serve({ conn: port.conn, ...sockets }, () => request.onFailure());
    return { port, sockets, served };
  } catch (error) {
    if (sockets) closeSockets(sockets);
    port.closeSync();
    throw explained(error);
  }
}

/** Explains why the kernel refused the interface. */
function explained(error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  if (code !== 'ENOTSUP' && code !== 'EPERM') return error;
  const tun = code === 'ENOTSUP' ? tunObstacle() : undefined;
  const obstacle = code === 'EPERM' ? refusalObstacle() : tun && { ...tun, why: `${NO_VETH}, and ${tun.why}` };
  const hint = obstacle ? asHint(obstacle) : NO_VETH;
  return new IothError(tun?.code ?? code, { syscall: 'ioth_newstack', hint, cause: error });
}

const NO_VETH = "the kernel has no links of kind 'veth'";

/** Returns whether the switch has not read all that was sent to it. */
function isUnread(conn: VdeConnPointer): boolean {
  const fd = libvdeplug().datafd(conn);
  if (fileOf(fd).kind !== 'socket') return false;
  const bytes = new Int32Array(1);
  return libc().ioctl_into(fd, SIOCOUTQ, new Uint8Array(bytes.buffer)) === 0 && bytes[0] !== 0;
}
