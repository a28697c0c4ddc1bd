import { AsyncLocalStorage } from 'node:async_hooks';
import type { NodeStack } from './node-stack.js';

/*
 * Which stack Node's modules work on now. In this order: that of the face that an object is of, that of run(), that of
 * override() or register, the host.
 */

/** undefined is the host. */
export type MeantStack = NodeStack | undefined;

const running = new AsyncLocalStorage<{ readonly stack: MeantStack }>();
const overrides: { readonly stack: NodeStack }[] = [];
/** Sockets, servers and agents that a face made. */
const ofFaces = new WeakMap<object, NodeStack>();
/** Sockets and servers that a function of Node's made in run(). */
const madeIn = new WeakMap<object, NodeStack>();
/** Sockets and servers that connect, bind or listen: their callbacks may come from any context. */
const underWay = new WeakMap<object, { readonly stack: MeantStack }>();

/** The stack of run(), else that of override(), else the host. */
export function currentStack(): MeantStack {
  const context = running.getStore();
  return context ? context.stack : overrides.at(-1)?.stack;
}

/** The stack of a socket, a server or an agent: the one it belongs to, else the current one. */
export function stackOf(object: object | null | undefined): MeantStack {
  if (object) {
    const face = ofFaces.get(object);
    if (face) return face;
    const call = underWay.get(object);
    if (call) return call.stack;
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
  const context = running.getStore();
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
  return running.run({ stack }, fn, ...args);
}

/** The same for a call that goes on in `object` later. */
export function runCallOn<T>(stack: MeantStack, object: object, fn: () => T): T {
  underWay.set(object, { stack });
  // on the host, where nothing else is meant, there is nothing to carry
  return stack === currentStack() ? fn() : runOn(stack, fn);
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
