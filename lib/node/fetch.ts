import { IothError } from '../core/errors.js';
import { checkOptions } from '../core/validate.js';
import { type AgentClass, type ConnectOptions, type Dispatcher, stackAgent } from './dispatcher.js';
import installedUndici from './installed-undici.cjs';
import type { NodeStack } from './node-stack.js';
import { run } from './run.js';

/** An Agent of undici's, where its types are not known: fetch of the DOM's types has no dispatcher. */
export interface AnyDispatcher extends Dispatcher {
  close(): Promise<void>;
  destroy(error?: Error | null): Promise<void>;
}
/** undici's Dispatcher, as Node's fetch takes it in its options. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer Known } ? NonNullable<Known> : AnyDispatcher;

/** Options of {@link Stack.dispatcher}: those of undici's Agent. */
export interface DispatcherOptions {
  connect?: ConnectOptions;
  [option: string]: unknown;
}

/** fetch, on `stack`. */
export function fetchOn(stack: NodeStack): typeof fetch {
  return (...args) => run(stack, fetch, args);
}

/**
 * An Agent of the undici that the program has installed.
 * @throws {IothError} ERR_MODULE_NOT_FOUND
 */
export function undiciAgent(stack: NodeStack, options?: DispatcherOptions): FetchDispatcher {
  const { connect, ...others } = checkOptions(options);
  return stackAgent(stack, installedAgent(), { ...others, connect: checkOptions(connect) });
}

function installedAgent(): AgentClass<FetchDispatcher> {
  try {
    return (installedUndici() as { Agent: AgentClass<FetchDispatcher> }).Agent;
  } catch (cause) {
    throw new IothError('ERR_MODULE_NOT_FOUND', { hint: 'stack.dispatcher() needs undici: npm install undici', cause });
  }
}
