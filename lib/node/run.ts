import { syncBuiltinESMExports } from 'node:module';
import { invalidType } from '../core/validate.js';
import { patchCalls } from './calls.js';
import { stackInUse } from './current-stack.js';
import { wrapGlobalDispatcher } from './dispatcher.js';
import { patchHandles } from './handles.js';
import { patchAgents, useProcessNames } from './http-agents.js';
import { checkResolvers, patchNames } from './names.js';
import type { NodeStack } from './node-stack.js';
import { patchOs } from './os.js';

let isPatched = false;

/**
 * Makes Node's modules use the current stack. Patches them at the first use of a stack, once per thread, for good. Outside of a
 * stack they work as before.
 * @throws {IothError} ERR_NODE_INTERNALS; then nothing is changed
 */
export function patchNode(): void {
  if (!isPatched) {
    // like patchHandles, before anything is changed
    checkResolvers();
    patchHandles();
    patchCalls();
    patchAgents();
    patchNames();
    patchOs();
    syncBuiltinESMExports();
    isPatched = true;
  }
  wrapGlobalDispatcher();
}

/** Calls `fn`. In it, and in the asynchronous work that it starts, Node's modules work on `stack`. */
export function run<A extends unknown[], T>(stack: NodeStack, fn: (...args: A) => T, args: A): T {
  if (typeof fn !== 'function') throw invalidType('fn', 'a function', fn);
  patchNode();
  return stackInUse.run(stack, () => fn(...args));
}

/** Makes `stack` the default of the whole thread. Returns a function that undoes it. */
export function overrideWith(stack: NodeStack): () => void {
  patchNode();
  return stackInUse.override(stack);
}

/** Makes `stack` the default of a program from its start to its end. */
export function registerStack(stack: NodeStack): void {
  stackInUse.registered = stack;
  overrideWith(stack);
  useProcessNames(stack);
}
