import { StackConfig } from '../config/index.js';
import type { IothError } from '../core/errors.js';
import type { ProviderName } from '../core/provider.js';
import { emitAndGoOn, type TypedEmitter } from '../core/typed-emitter.js';
import type { Resolver } from '../dns/resolver.js';
import type { StackInterface } from '../dns/stack-interface.js';
import type { NodeStack } from '../node/node-stack.js';
import type { CloseOptions } from '../vdestack/close-options.js';
import { type EndSteps, endInOrder, endInOrderSync } from '../vdestack/end-steps.js';
import { type LingerLimits, lingerLimits } from '../vdestack/linger.js';
import type { NativeStack } from '../vdestack/native-stack.js';
import type { StackEvents } from './stack-events.js';

type EndingStack = StackInterface & NodeStack & TypedEmitter<StackEvents>;

/**
 * The end of a stack. Programs, Node's handles, the configuration and the resolver end first, then its sockets and its `struct ioth`
 * (native-stack.ts), then 'close' is emitted. If the daemon dies, 'error' comes before that.
 */
export class StackLife {
  #config: StackConfig | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    readonly native: NativeStack,
    readonly resolver: Resolver,
    readonly stack: EndingStack,
    readonly configProvider?: ProviderName,
  ) {
    const { nodeHandles } = stack;
    native.closeUncounted = () => nodeHandles.closeSilently();
    // a stack that the program forgot is garbage collected
    const weak = new WeakRef(this);
    native.onDeath = (error) => {
      const life = weak.deref();
      if (life) life.#onDeath(error);
    };
  }

  /** The configuration of its interfaces. */
  get configuration(): StackConfig {
    this.#config ??= new StackConfig(
      this.stack,
      {
        notify: (name, event) => emitAndGoOn(this.stack, name, event),
        onNames: (names) => this.resolver.applyNetworkSettings(names),
      },
      this.configProvider,
    );
    return this.#config;
  }

  /** True if the stack is closed, or is being closed. */
  get closed(): boolean {
    return this.#closing !== undefined || this.native.closed;
  }

  close(options?: CloseOptions): Promise<void> {
    let limits: LingerLimits;
    try {
      limits = lingerLimits(options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#closing ??= endInOrder(this.#parts(limits))
      .then(() => emitAndGoOn(this.stack, 'close'))
      .catch((error) => {
        this.#closing = undefined;
        throw error;
      });
    return this.#closing;
  }

  /** Closes it as {@link close}, but blocks the thread. Does nothing while close() is under way. */
  closeSync(options?: CloseOptions): void {
    const limits = lingerLimits(options);
    if (this.#closing) return;
    endInOrderSync(this.#parts(limits));
    this.#closing = Promise.resolve();
    this.stack.emit('close');
  }

  /** The parts of the stack, in the order of their end: what uses it ends together, then the stack itself. */
  #parts(limits: LingerLimits): EndSteps {
    const { nodeHandles } = this.stack;
    const closeHandles = () => (nodeHandles.size > 0 ? nodeHandles.close(limits.stall) : undefined);
    return [
      [
        { end: () => this.#config?.close(), endSync: () => this.#config?.closeSync() },
        this.native.programs,
        { end: closeHandles, endSync: () => nodeHandles.destroy() },
        { end: () => this.resolver.close(), endSync: () => this.resolver.closeSync() },
      ],
      [{ end: () => this.native.close(limits), endSync: () => this.native.closeSync(limits) }],
    ];
  }

  #onDeath(error: IothError): void {
    this.stack.nodeHandles.destroy(error);
    if (this.#closing) return;
    try {
      this.stack.emit('error', error);
    } finally {
      // a detached socket may prevent the deletion: the program's own close() reports it
      this.close().catch(() => {});
    }
  }
}

/** Waits until a new stack is configured. Closes it if that fails. */
export async function whenReady<Stack extends { readonly ready: Promise<void>; close(): Promise<void> }>(
  stack: Stack,
): Promise<Stack> {
  try {
    await stack.ready;
    return stack;
  } catch (error) {
    await stack.close();
    throw error;
  }
}
