import { AsyncLocalStorage } from 'node:async_hooks';
import type { NodeStack } from './node-stack.js';

/*
 * Finds the stack that Node's modules work on now. The first of these wins: the stack of the face that made the object, the stack
 * of run(), the stack of override() or register, the host.
 */

/** A stack, or undefined for the host. */
export type MeantStack = NodeStack | undefined;

/**
 * The stack of run(). Once used, it slows every asynchronous step of the program: in Node 20 it takes a sixth of the time of an
 * http server.
 */
const running = new AsyncLocalStorage<{ readonly stack: MeantStack }>();
/** The stack of the current synchronous call. Callbacks that the call starts do not inherit it. */
let call: { readonly stack: MeantStack } | undefined;
const overrides: { readonly stack: NodeStack }[] = [];
/** The stacks of sockets, servers and agents that a face made. */
const ofFaces = new WeakMap<object, NodeStack>();
/** The stacks of sockets and servers that Node's functions made in run(). */
const madeIn = new WeakMap<object, NodeStack>();
/** The stacks of sockets and servers that connect, bind or listen: their callbacks may come from any context. */
const underWay = new WeakMap<object, { readonly stack: MeantStack }>();

/** Returns the stack of the current call, else that of run(), else that of override(), else the host. */
export function currentStack(): MeantStack {
  const context = call ?? running.getStore();
  return context ? context.stack : overrides.at(-1)?.stack;
}

/** Returns the stack that a socket, a server or an agent belongs to, else the current one. */
export function stackOf(object: object | null | undefined): MeantStack {
  if (object) {
    const face = ofFaces.get(object);
    if (face) return face;
    const started = underWay.get(object);
    if (started) return started.stack;
  }
  return currentStack();
}

/**
 * Returns the stack for a new connect, bind or listen of an object: that of the face that made it, else that of run(), else that
 * of the run() that it was made in, else the default.
 */
export function stackForCall(object: object): MeantStack {
  const face = ofFaces.get(object);
  if (face) return face;
  const context = call ?? running.getStore();
  return context ? context.stack : (madeIn.get(object) ?? currentStack());
}

/** Remembers the stack of run() for `object`, which was made now, and returns the object. */
export function noteMade<T extends object>(object: T): T {
  const stack = running.getStore()?.stack;
  if (stack) madeIn.set(object, stack);
  return object;
}

/** Assigns `object` to `stack` for good, in any context. */
export function assignToFace(object: object, stack: NodeStack): void {
  ofFaces.set(object, stack);
}

/** Calls `fn` with `stack` as the current one, in `fn` and in the asynchronous work that it starts. */
export function runOn<A extends unknown[], T>(stack: MeantStack, fn: (...args: A) => T, ...args: A): T {
  return inCall(undefined, () => running.run({ stack }, fn, ...args));
}

/** Calls `fn` with `stack` as the current one until it returns. */
export function callOn<T>(stack: MeantStack, fn: () => T): T {
  return inCall({ stack }, fn);
}

/**
 * Calls `fn` as {@link callOn} does. Uses {@link runOn} if the options have a `lookup` or `createConnection` of the program,
 * which may go on in later turns of the event loop.
 */
export function callWithOptionsOn<T>(stack: MeantStack, args: readonly unknown[], fn: () => T): T {
  return args.some(hasOwnStep) ? runOn(stack, fn) : callOn(stack, fn);
}

function hasOwnStep(options: unknown): boolean {
  const { lookup, createConnection } = (options ?? {}) as Record<string, unknown>;
  return lookup !== undefined || createConnection !== undefined;
}

function inCall<T>(now: typeof call, fn: () => T): T {
  const outer = call;
  call = now;
  try {
    return fn();
  } finally {
    call = outer;
  }
}

/** Assigns `object` to `stack`, and calls `fn`, whose work goes on in `object` later. */
export function runCallOn<T>(stack: MeantStack, object: object, fn: () => T): T {
  underWay.set(object, { stack });
  // the stack is current already, as on the host without a run(): there is no context to carry
  if (stack === currentStack()) return fn();
  // callbacks of a face's object, such as its event handlers, do not inherit the stack of the face
  return ofFaces.has(object) ? callOn(stack, fn) : runOn(stack, fn);
}

/** Makes `stack` the default of this thread. Returns a function that undoes it. */
export function pushOverride(stack: NodeStack): () => void {
  const entry = { stack };
  overrides.push(entry);
  return () => {
    const i = overrides.indexOf(entry);
    if (i >= 0) overrides.splice(i, 1);
  };
}
