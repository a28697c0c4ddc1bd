import { F_SETFL, libc } from '../../ffi/libc.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { SOCK_NONBLOCK } from '../constants/socket.js';
import { closeOnExec, fileOf } from '../io/open-descriptor.js';
import { closeCommand, writers } from './close-command.js';
import { endCommandsSync } from './end-commands.js';
import { type RawFrames, rawFrames } from './locator.js';
import { openPointer } from './open.js';
import { NodePeers } from './switch/node-peers.js';

const OPEN_TIMEOUT_MS = 10_000;

/** A `VDECONN *` that a worker thread uses, and that this thread opens and closes. */
export class ThreadPort {
  /** The pipe that the command of a cmd:// writes to. */
  readonly #pipe: string | undefined;
  readonly #peers: NodePeers | undefined;
  #isOpen = true;

  /**
   * @param conn belongs to this object from now on
   * @param raw says that its socket carries frames as they are
   */
  constructor(
    readonly conn: VdeConnPointer,
    readonly raw?: RawFrames,
  ) {
    const fd = libvdeplug().datafd(conn);
    closeOnExec();
    const { kind, name } = fileOf(fd);
    if (kind === 'pipe') this.#pipe = name;
    if (kind === 'eventpoll') this.#peers = new NodePeers(fd);
    // vde_recv(3) of a socket then reports that there is no frame, instead of waiting for one
    if (kind === 'socket') libc().fcntl(fd, F_SETFL, SOCK_NONBLOCK);
  }

  /** Opens a port. @throws {IothError} as VdePort.open */
  static async open(vnl: string, description: string): Promise<ThreadPort> {
    const request = { vnl, description, options: {}, timeout: OPEN_TIMEOUT_MS, signal: undefined };
    return new ThreadPort(await openPointer(request), rawFrames(vnl));
  }

  /** The process of a cmd://, if there is one. */
  get commands(): number[] {
    return this.#isOpen && this.#pipe !== undefined ? writers(this.#pipe) : [];
  }

  /** Closes it by vde_close(3), after the worker thread has stopped using it. Closing twice is fine. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    if (this.#pipe === undefined) return this.closeAtExit();
    this.#isOpen = false;
    await closeCommand(this.conn, this.#pipe);
  }

  /** Closes it as {@link close}, but blocks the thread. */
  closeSync(): void {
    endCommandsSync(this.commands);
    if (this.#isOpen) this.#close();
  }

  /** Closes it at once. Leaves the pipes of a command to the end of the process. */
  closeAtExit(): void {
    if (this.#isOpen && this.#pipe === undefined) this.#close();
  }

  #close(): void {
    this.#isOpen = false;
    this.#peers?.closeWaiting();
    this.#peers?.close();
    libvdeplug().close(this.conn);
  }
}
