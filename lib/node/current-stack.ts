import { AsyncLocalStorage } from 'node:async_hooks';
import type { NodeStack } from './node-stack.js';

/** A stack, or undefined for the host. */
export type MeantStack = NodeStack | undefined;

/**
 * How long a stack is the current one: for a synchronous call alone ('call'), also for the asynchronous work that it starts
 * ('work'), or for a connect, bind or listen of an object, which goes on in the object's own handles.
 */
export type Scope = 'call' | 'work' | { readonly object: object };

/** The stacks of a socket, a server or an agent. */
interface OfObject {
  /** The face that made it. */
  face?: NodeStack;
  /** Its last connect, bind or listen: their callbacks may come from any context. */
  begun?: { readonly stack: MeantStack };
  /** The run() in which a function of Node's made it. */
  madeIn?: NodeStack;
}

/**
 * Finds the stack that Node's modules work on. The first row that applies wins:
 *
 *                                                     in general   for an object   for its next connect, bind or listen
 *     1  the stack of the face that made the object                      x             x
 *     2  the stack of its last connect, bind or listen                   x
 *     3  the stack of the current synchronous call        x              x             x
 *     4  the stack of run()                               x              x             x
 *     5  the stack of the run() in which it was made                                   x
 *     6  the stack of override() or register, the last    x              x             x
 *     7  the host                                         x              x             x
 */
class StackInUse {
  /** The stack that ioth/register gave the process. */
  registered: MeantStack;
  /**
   * The stack of run(). Once used, it slows every asynchronous step of the program: in Node 20 it takes a sixth of the time of an
   * http server.
   */
  readonly #running = new AsyncLocalStorage<{ readonly stack: MeantStack }>();
  /** The stack of the current synchronous call. Callbacks that the call starts do not inherit it. */
  #call: { readonly stack: MeantStack } | undefined;
  readonly #overrides: { readonly stack: NodeStack }[] = [];
  readonly #objects = new WeakMap<object, OfObject>();

  /** Returns the stack in general, for an object, or for the next connect, bind or listen of the object. */
  of(object?: object | null, isNext = false): MeantStack {
    const own = object ? this.#objects.get(object) : undefined;
    if (own?.face) return own.face;
    if (own?.begun && !isNext) return own.begun.stack;
    const context = this.#call ?? this.#running.getStore();
    if (context) return context.stack;
    return (isNext ? own?.madeIn : undefined) ?? this.#overrides.at(-1)?.stack;
  }

  /** Calls `fn` with `stack` as the current one. */
  run<T>(stack: MeantStack, fn: () => T, scope: Scope = 'work'): T {
    if (scope === 'call') return this.#inCall({ stack }, fn);
    if (scope === 'work') return this.#inCall(undefined, () => this.#running.run({ stack }, fn));
    this.#of(scope.object).begun = { stack };
    // the stack is current already, as on the host without a run(): there is no context to carry
    if (stack === this.of()) return fn();
    // callbacks of a face's object, such as its event handlers, do not inherit the stack of the face
    return this.run(stack, fn, this.#of(scope.object).face ? 'call' : 'work');
  }

  /** Assigns `object` to the face of `stack`, for good; without `stack`, notes the run() in which it was made. Returns the object. */
  assign<T extends object>(object: T, stack?: NodeStack): T {
    if (stack) {
      this.#of(object).face = stack;
    } else {
      const madeIn = this.#running.getStore()?.stack;
      if (madeIn) this.#of(object).madeIn = madeIn;
    }
    return object;
  }

  /** Makes `stack` the default of this thread. Returns a function that undoes it. */
  override(stack: NodeStack): () => void {
    const entry = { stack };
    this.#overrides.push(entry);
    return () => {
      const i = this.#overrides.indexOf(entry);
      if (i >= 0) this.#overrides.splice(i, 1);
    };
  }

  #of(object: object): OfObject {
    const known = this.#objects.get(object) ?? {};
    this.#objects.set(object, known);
    return known;
  }

  #inCall<T>(now: { readonly stack: MeantStack } | undefined, fn: () => T): T {
    const outer = this.#call;
    this.#call = now;
    try {
      return fn();
    } finally {
      this.#call = outer;
    }
  }
}

export const stackInUse = new StackInUse();

/** Returns the scope of a call: a `lookup` or `createConnection` of the program may go on in later turns of the event loop. */
export function scopeOf(args: readonly unknown[]): Scope {
  const hasOwnStep = args.some((options) => {
    const { lookup, createConnection } = (options ?? {}) as Record<string, unknown>;
    return lookup !== undefined || createConnection !== undefined;
  });
  return hasOwnStep ? 'work' : 'call';
}
