import { libioth } from '../../ffi/ioth.js';
import { errno } from '../../ffi/libc.js';
import { IothError, systemError } from '../core/errors.js';
import type { Closable } from '../core/finalization.js';
import { descriptorWasReleased, Readiness } from '../io/readiness.js';
import { registerDetached, registerOwned, unregisterOwned } from './detached.js';
import { canceled, type WaitEnd } from './operations/errors.js';
import type { DescriptorOwner } from './owner.js';

/** An open descriptor of a stack and what waits on it: owned by one Socket, known to its stack, closed once. */
export class Descriptor implements Closable {
  readonly readiness: Readiness;
  #open = true;
  readonly #followers: ((reason: Error) => void)[] = [];

  constructor(
    readonly owner: DescriptorOwner,
    readonly fd: number,
  ) {
    this.readiness = new Readiness(fd, owner.referenced, owner);
    owner.descriptors.add(this);
    registerOwned(fd);
  }

  get closed(): boolean {
    return !this.#open;
  }

  /** The descriptor's number for a system call. @throws {IothError} EBADF once closed, ERR_STACK_DEAD with a dead stack */
  use(syscall: string): number {
    if (this.#open) return this.fd;
    this.owner.checkAlive(syscall);
    throw new IothError('EBADF', { syscall, hint: 'the socket is closed' });
  }

  /** ioth_close(3), once: what waits is rejected, with ECANCELED unless `reason` says otherwise. */
  close(reason: WaitEnd = canceled('the socket was closed')): void {
    this.#close(reason);
  }

  /** The same at the end of the process: nobody hears of it. */
  closeSilently(): void {
    this.#close(undefined);
  }

  #close(reason: WaitEnd | undefined): void {
    if (!this.#open) return;
    this.#release(reason);
    if (libioth().close(this.fd) < 0) throw systemError(errno(), 'close');
    descriptorWasReleased();
  }

  closeFromFinalizer(): void {
    try {
      this.close();
    } catch {
      // the number is free all the same
    }
  }

  /** Has `follower` called when it is closed or given up, with what ends the waits. Not at the end of the process. */
  follow(follower: (reason: Error) => void): void {
    this.#followers.push(follower);
  }

  /** Gives the descriptor up unclosed; libioth goes on counting it. */
  detach(): number {
    const fd = this.use('detach');
    this.#release(canceled('the socket was detached'));
    registerDetached(fd, this.owner);
    return fd;
  }

  #release(reason: WaitEnd | undefined): void {
    this.#open = false;
    unregisterOwned(this.fd);
    this.owner.descriptors.delete(this);
    // the poll handle goes before the number does: the number is used again at once
    this.readiness.close(reason);
    if (reason) for (const follower of this.#followers) follower(reason({ syscall: 'close' }));
  }
}
