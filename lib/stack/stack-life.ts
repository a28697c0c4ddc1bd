import type { StackConfig } from '../config/index.js';
import type { IothError } from '../core/errors.js';
import type { TypedEmitter } from '../core/typed-emitter.js';
import type { Resolver } from '../dns/resolver.js';
import type { OpenHandles } from '../node/open-handles.js';
import { type CloseOptions, checkCloseOptions, lingerLimits } from './close-options.js';
import type { StackEvents } from './events.js';
import type { NativeStack } from './native-stack.js';

/**
 * The end of a stack. Programs, Node's handles, the configuration and the resolver end first, then its sockets and its `struct ioth`
 * (native-stack.ts), then 'close' is emitted. If the daemon dies, 'error' comes before that.
 */
export class StackLife {
  /** The configuration of its interfaces, once one was asked for. */
  config: StackConfig | undefined;
  readonly #native: NativeStack;
  readonly #resolver: Resolver;
  readonly #handles: OpenHandles;
  readonly #emitter: TypedEmitter<StackEvents>;
  #closing: Promise<void> | undefined;

  constructor(native: NativeStack, resolver: Resolver, handles: OpenHandles, emitter: TypedEmitter<StackEvents>) {
    this.#native = native;
    this.#resolver = resolver;
    this.#handles = handles;
    this.#emitter = emitter;
    native.closeUncounted = () => handles.closeSilently();
    // a stack that the program forgot is garbage collected
    const weak = new WeakRef(this);
    native.onDeath = (error) => {
      const life = weak.deref();
      if (life) life.#onDeath(error);
    };
  }

  /** True if the stack is closed, or is being closed. */
  get closed(): boolean {
    return this.#closing !== undefined || this.#native.closed;
  }

  close(options?: CloseOptions): Promise<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= this.#close(options).catch((error) => {
      this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  /** Closes it as {@link close}, but blocks the thread. Does nothing while close() is under way. */
  closeSync(options?: CloseOptions): void {
    checkCloseOptions(options);
    if (this.#closing) return;
    this.config?.closeSync();
    this.#native.programs.endSync();
    this.#handles.destroy();
    this.#resolver.closeSync();
    this.#native.closeSync(options);
    this.#closing = Promise.resolve();
    this.#emitter.emit('close');
  }

  /** Closes everything in order. If nothing has to be waited for, the stack begins to close before this returns. */
  async #close(options?: CloseOptions): Promise<void> {
    const { stall } = lingerLimits(options);
    const handles = this.#handles.size > 0 ? this.#handles.close(stall) : undefined;
    const ends = [this.#native.programs.end(), handles, this.config?.close(), this.#resolver.close()];
    const before = ends.filter((wait) => wait !== undefined);
    if (before.length > 0) await Promise.all(before);
    await this.#native.close(options);
    this.#emitter.emit('close');
  }

  #onDeath(error: IothError): void {
    this.#handles.destroy(error);
    if (this.#closing) return;
    try {
      this.#emitter.emit('error', error);
    } finally {
      // a detached socket may prevent the deletion: the program's own close() reports it
      this.close().catch(() => {});
    }
  }
}
