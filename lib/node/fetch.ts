import { IothError } from '../core/errors.js';
import { checkOptions } from '../core/validate.js';
import {
  type AgentClass,
  type ConnectOptions,
  connector,
  type Dispatcher,
  stackAgent,
  type WrapHandler,
} from './dispatcher.js';
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

/** What is used of undici; the wrapper is of version 8. */
interface Undici {
  Agent: AgentClass<FetchDispatcher>;
  Pool: new (origin: unknown, options: object) => object;
  Dispatcher1Wrapper?: { wrapHandler: WrapHandler };
}

/**
 * An Agent of the undici that the program has installed.
 * @throws {IothError} ERR_MODULE_NOT_FOUND
 */
export function undiciAgent(stack: NodeStack, options?: DispatcherOptions): FetchDispatcher {
  const { connect, ...others } = checkOptions(options);
  const connectOptions = checkOptions(connect);
  const { Agent, Pool, Dispatcher1Wrapper: wrapper } = undici();
  if (!wrapper) return stackAgent(stack, Agent, { ...others, connect: connectOptions });
  // undici 8 speaks HTTP/2 unless it is told not to, for all or for a request: that has a pool of its own
  const factory = (origin: unknown, pool: { allowH2?: boolean }) =>
    new Pool(origin, { ...pool, connect: connector(stack, { allowH2: pool.allowH2 !== false, ...connectOptions }) });
  return withLegacyHandlers(new Agent({ factory, ...others }), wrapper.wrapHandler);
}

/** An Agent of undici 8 refuses what fetch of Node 20 to 24, and undici 6 and 7, give it. */
function withLegacyHandlers<T extends FetchDispatcher>(agent: T, wrapHandler: WrapHandler): T {
  const dispatch = agent.dispatch.bind(agent) as Dispatcher['dispatch'];
  const dispatchAny: Dispatcher['dispatch'] = (options, handler) => {
    const known = wrapHandler(handler);
    // those that wrote it know no HTTP/2
    return dispatch(known === handler ? options : { ...options, allowH2: false }, known);
  };
  return Object.defineProperty(agent, 'dispatch', { value: dispatchAny });
}

function undici(): Undici {
  try {
    return installedUndici() as Undici;
  } catch (cause) {
    throw new IothError('ERR_MODULE_NOT_FOUND', { hint: 'stack.dispatcher() needs undici: npm install undici', cause });
  }
}
