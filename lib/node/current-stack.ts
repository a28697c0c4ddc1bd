import { AsyncLocalStorage } from 'node:async_hooks';
import type { NodeStack } from './node-stack.js';

/*
 * Which stack Node's modules work on now. In this order: that of the face that an object is of, that of run(), that of
 * override() or register, the host.
 */

/** undefined is the host. */
export type MeantStack = NodeStack | undefined;

/** Once used it costs every asynchronous step of the program: in Node 20 a sixth of an http server's time. */
const running = new AsyncLocalStorage<{ readonly stack: MeantStack }>();
/** The call that this is in, without what comes from it. */
let call: { readonly stack: MeantStack } | undefined;
const overrides: { readonly stack: NodeStack }[] = [];
/** Sockets, servers and agents that a face made. */
const ofFaces = new WeakMap<object, NodeStack>();
/** Sockets and servers that a function of Node's made in run(). */
const madeIn = new WeakMap<object, NodeStack>();
/** Sockets and servers that connect, bind or listen: their callbacks may come from any context. */
const underWay = new WeakMap<object, { readonly stack: MeantStack }>();

/** The stack of the call that this is in, else that of run(), that of override(), the host. */
export function currentStack(): MeantStack {
  const context = call ?? running.getStore();
  return context ? context.stack : overrides.at(-1)?.stack;
}

/** The stack of a socket, a server or an agent: the one it belongs to, else the current one. */
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
 * Where a new connect, bind or listen of an object goes: to the stack of the face that made it, that of run(), that of the
 * run() that it was made in, the default.
 */
export function stackForCall(object: object): MeantStack {
  const face = ofFaces.get(object);
  if (face) return face;
  const context = call ?? running.getStore();
  return context ? context.stack : (madeIn.get(object) ?? currentStack());
}

/** Notes that `object` was made now. */
export function noteMade<T extends object>(object: T): T {
  const stack = running.getStore()?.stack;
  if (stack) madeIn.set(object, stack);
  return object;
}

/** From now on `object` is on `stack` from wherever it is used. */
export function assignToFace(object: object, stack: NodeStack): void {
  ofFaces.set(object, stack);
}

/** Calls `fn` with `stack` as the current one, here and in what comes from it. */
export function runOn<A extends unknown[], T>(stack: MeantStack, fn: (...args: A) => T, ...args: A): T {
  return inCall(undefined, () => running.run({ stack }, fn, ...args));
}

/** Calls `fn` with `stack` as the current one until it returns. */
export function callOn<T>(stack: MeantStack, fn: () => T): T {
  return inCall({ stack }, fn);
}

/** The same, and in what comes from functions of the program's among the options: they may go on in later turns. */
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

/** Calls `fn`, which goes on in `object` later: that belongs to `stack` from now on. */
export function runCallOn<T>(stack: MeantStack, object: object, fn: () => T): T {
  underWay.set(object, { stack });
  // on the host, where nothing else is meant, there is nothing to carry
  if (stack === currentStack()) return fn();
  // what comes from the calls of a face's object, its handlers say, is not of the face
  return ofFaces.has(object) ? callOn(stack, fn) : runOn(stack, fn);
}

/** Makes `stack` the process's default. Returns what takes that back. */
export function pushOverride(stack: NodeStack): () => void {
  const entry = { stack };
  overrides.push(entry);
  return () => {
    const i = overrides.indexOf(entry);
    if (i >= 0) overrides.splice(i, 1);
  };
}
