import { errno, F_SETFL, libc } from '../../ffi/libc.js';
import { libvdeplug, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { MSG_DONTWAIT, SOCK_NONBLOCK } from '../constants/socket.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { atExit } from '../core/exit-hook.js';
import type { Closable } from '../core/finalization.js';
import { closeOnExec, fileOf } from '../io/open-descriptor.js';
import { PollHandle, READABLE } from '../io/poll-handle.js';
import { descriptorWasReleased } from '../io/readiness.js';
import type { Operation } from '../io/wait-queue.js';
import { closeCommand, closeUnused } from './close-command.js';
import type { FrameSource } from './frame-source.js';
import { NodeSource } from './node-source.js';
import { PlugSource } from './plug-source.js';

const NEWS_SIZE = 256;

/** The open connections of this thread. */
const connections = new Set<Connection>();

/** Returns whether a port of this thread is the node in `directory`. Its peers can join only while this thread's loop runs. */
export function servesNode(directory: string): boolean {
  return [...connections].some((connection) => connection.directory === directory);
}

/** A `VDECONN *` and its descriptors, owned by one port and closed once. */
export class Connection implements Closable {
  readonly source: FrameSource;
  readonly #ctlfd: number;
  /** The pipe that the command of a cmd:// writes to. */
  readonly #pipe: string | undefined;
  #control: PollHandle | undefined;
  #isGone = false;
  #isOpen = true;

  /**
   * @param conn the connection, which is closed if this throws
   * @param directory the directory of the node, if the connection is one
   * @throws {IothError}
   */
  constructor(
    readonly conn: VdeConnPointer,
    readonly directory: string | undefined,
  ) {
    const datafd = libvdeplug().datafd(conn);
    this.#ctlfd = libvdeplug().ctlfd(conn);
    closeOnExec();
    const { kind, name } = fileOf(datafd);
    if (kind === 'pipe') this.#pipe = name;
    try {
      // the event set of a node
      if (kind === 'eventpoll') this.source = new NodeSource(conn, datafd);
      else {
        libc().fcntl(datafd, F_SETFL, SOCK_NONBLOCK);
        this.source = new PlugSource(conn, datafd, kind === 'socket', () => this.#looksGone());
      }
      this.#watchControl();
    } catch (error) {
      closeUnused(conn).catch(() => {});
      throw error;
    }
    connections.add(this);
    atExit(closeAllSilently);
  }

  get closed(): boolean {
    return !this.#isOpen;
  }

  /** Watches the control connection. It stays silent while the switch lives, and ends with it. */
  #watchControl(): void {
    if (this.#ctlfd < 0) return;
    this.#control = new PollHandle(this.#ctlfd, READABLE, () => {
      if (this.#looksGone()) this.source.resume();
    });
  }

  #looksGone(): boolean {
    if (this.#isGone || this.#ctlfd < 0 || !this.#isOpen) return this.#isGone;
    let count: number;
    do count = libc().recv(this.#ctlfd, news, NEWS_SIZE, MSG_DONTWAIT);
    while (count > 0);
    this.#isGone = count === 0 || !['EAGAIN', 'EINTR'].includes(codeOf(errno()));
    if (this.#isGone) this.#control?.close();
    return this.#isGone;
  }

  /** Returns the source and sink of frames. @throws {IothError} EBADF once the connection is closed */
  use(syscall: string): FrameSource {
    if (this.#isOpen) return this.source;
    throw new IothError('EBADF', { syscall, hint: 'the port is closed' });
  }

  /** Calls vde_close(3), once. Waiting operations are rejected with ECANCELED. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#release(canceled);
    if (this.#pipe !== undefined) await closeCommand(this.conn, this.#pipe);
    else libvdeplug().close(this.conn);
    descriptorWasReleased();
  }

  closeFromFinalizer(): void {
    void this.close().catch(() => {});
  }

  /** Closes at the end of the process, which removes the directory of a node. */
  closeSilently(): void {
    // the end of the process closes the pipes of a command
    if (!this.#isOpen || this.#pipe !== undefined) return;
    this.#release(undefined);
    libvdeplug().close(this.conn);
  }

  #release(error: ((operation: Operation<unknown>) => Error) | undefined): void {
    this.#isOpen = false;
    connections.delete(this);
    // poll handles are closed before the descriptors, whose numbers are reused at once
    this.#control?.close();
    this.source.close(error);
  }
}

const news = Buffer.alloc(NEWS_SIZE);

function closeAllSilently(): void {
  for (const connection of [...connections]) connection.closeSilently();
}

function canceled({ syscall }: Operation<unknown>): Error {
  return new IothError('ECANCELED', { syscall, hint: 'the port was closed' });
}
