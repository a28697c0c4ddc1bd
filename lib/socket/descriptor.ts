import { type Libioth, libioth } from '../../ffi/ioth.js';
import { errno, libc } from '../../ffi/libc.js';
import { IothError, systemError } from '../core/errors.js';
import type { Closable } from '../core/finalization.js';
import { descriptorWasReleased, Readiness } from '../io/readiness.js';
import { owned, registerDetached } from './detached.js';
import { canceled, type WaitEnd } from './operations/errors.js';
import type { DescriptorOwner } from './owner.js';

/** Open descriptor of a stack, with its pending operations. One Socket owns it; its stack lists it; it is closed once. */
export class Descriptor implements Closable {
  readonly readiness: Readiness;
  /** What moves its bytes: libc, where libioth would only look the descriptor up and call it. */
  readonly calls: Pick<Libioth, 'send' | 'sendto' | 'recv' | 'recvfrom'>;
  #open = true;
  readonly #followers = new Set<(reason: WaitEnd) => void>();

  constructor(
    readonly owner: DescriptorOwner,
    readonly fd: number,
  ) {
    this.readiness = new Readiness(fd, owner.referenced, owner);
    this.calls = owner.hasKernelSockets ? libc() : libioth();
    owner.descriptors.add(this);
    owned.add(fd);
  }

  get closed(): boolean {
    return !this.#open;
  }

  /** Returns the number for a system call. @throws {IothError} EBADF once closed, ERR_STACK_DEAD if the stack is dead */
  use(syscall: string): number {
    if (this.#open) return this.fd;
    this.owner.checkAlive(syscall);
    throw new IothError('EBADF', { syscall, hint: 'the socket is closed' });
  }

  /** Closes the descriptor at process exit: rejects no operation and calls no follower. */
  closeSilently(): void {
    this.close(null);
  }

  /**
   * Closes the descriptor once: ioth_close(3).
   * @param reason rejects pending operations, with ECANCELED by default; null rejects none
   */
  close(reason: WaitEnd | null = canceled('the socket was closed')): void {
    if (!this.#open) return;
    this.#release(reason);
    if (libioth().close(this.fd) < 0) throw systemError(errno(), 'close');
    descriptorWasReleased();
  }

  closeFromFinalizer(): void {
    try {
      this.close();
    } catch {
      // the number is free even if ioth_close fails
    }
  }

  /**
   * Calls `follower` with the reason when the descriptor is closed or detached, but not at process exit.
   * @returns a function that ends this
   */
  follow(follower: (reason: WaitEnd) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Releases the descriptor without closing it; libioth still counts it. */
  detach(): number {
    const fd = this.use('detach');
    this.#release(canceled('the socket was detached'));
    registerDetached(fd, this.owner);
    return fd;
  }

  #release(reason: WaitEnd | null): void {
    this.#open = false;
    owned.delete(this.fd);
    this.owner.descriptors.delete(this);
    // close the poll handle before the descriptor: the number is reused at once
    this.readiness.close(reason ?? undefined);
    if (reason) for (const follower of this.#followers) follower(reason);
  }
}
