import { syncBuiltinESMExports } from 'node:module';
import { patchCalls } from './calls.js';
import { pushOverride, runOn } from './current-stack.js';
import { wrapGlobalDispatcher } from './dispatcher.js';
import { patchHandles } from './handles.js';
import { patchAgents, useProcessNames } from './http-agents.js';
import { patchNames } from './names.js';
import type { NodeStack } from './node-stack.js';

let isPatched = false;

/**
 * Has Node's modules ask for the current stack: at the first use of a stack, once a thread, for good. Where none is meant
 * they do what they always did.
 * @throws {IothError} ERR_NODE_INTERNALS, and nothing is changed
 */
export function patchNode(): void {
  if (!isPatched) {
    patchHandles();
    patchCalls();
    patchAgents();
    patchNames();
    syncBuiltinESMExports();
    isPatched = true;
  }
  wrapGlobalDispatcher();
}

/** Calls `fn`: what Node's modules do in it, and in what comes from it, is on `stack`. */
export function run<A extends unknown[], T>(stack: NodeStack, fn: (...args: A) => T, args: A): T {
  patchNode();
  return runOn(stack, fn, ...args);
}

/** Makes `stack` the default of the whole thread. Returns what takes it back. */
export function overrideWith(stack: NodeStack): () => void {
  patchNode();
  return pushOverride(stack);
}

/** The same for a program that is on `stack` from its start to its end. */
export function registerStack(stack: NodeStack): void {
  overrideWith(stack);
  useProcessNames(stack);
}
