import { IothError } from '../core/errors.js';
import { checkOptions } from '../core/validate.js';
import {
  type AgentClass,
  connector,
  type Dispatcher,
  type DispatcherConnectOptions,
  stackAgent,
  type WrapHandler,
} from './dispatcher.js';
import installedUndici from './installed-undici.cjs';
import type { NodeStack } from './node-stack.js';
import { run } from './run.js';

/** An undici Agent, for programs without undici's types: `fetch` of the DOM's types has no `dispatcher`. */
export interface AnyDispatcher extends Dispatcher {
  close(): Promise<void>;
  destroy(error?: Error | null): Promise<void>;
}
/** The type of the `dispatcher` option of Node's fetch: undici's Dispatcher. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer Known } ? NonNullable<Known> : AnyDispatcher;

/** Options of {@link Stack.dispatcher}: those of undici's Agent. */
export interface DispatcherOptions {
  connect?: DispatcherConnectOptions;
  [option: string]: unknown;
}

/** Returns `fetch` on `stack`. */
export function fetchOn(stack: NodeStack): typeof fetch {
  return (...args) => run(stack, fetch, args);
}

/** The part of undici that is used here. Version 8 has the wrapper. */
interface Undici {
  Agent: AgentClass<FetchDispatcher>;
  Pool: new (origin: unknown, options: object) => object;
  Dispatcher1Wrapper?: { wrapHandler: WrapHandler };
}

/**
 * Creates an Agent of the undici that the program has installed.
 * @throws {IothError} ERR_MODULE_NOT_FOUND if it has none
 */
export function undiciAgent(stack: NodeStack, options?: DispatcherOptions): FetchDispatcher {
  const { connect, ...others } = checkOptions(options);
  const connectOptions = checkOptions(connect);
  const { Agent, Pool, Dispatcher1Wrapper: wrapper } = undici();
  if (!wrapper) return stackAgent(stack, Agent, { ...others, connect: connectOptions });
  // undici 8 offers HTTP/2, unless `allowH2` is false for the Agent or for a request, which then has a pool of its own
  const factory = (origin: unknown, pool: { allowH2?: boolean }) =>
    new Pool(origin, { ...pool, connect: connector(stack, { allowH2: pool.allowH2 !== false, ...connectOptions }) });
  return withLegacyHandlers(new Agent({ factory, ...others }), wrapper.wrapHandler);
}

/** Makes an Agent of undici 8 accept the handlers of undici 6 and 7, and of fetch of Node 20 to 24. It refuses them by itself. */
function withLegacyHandlers<T extends FetchDispatcher>(agent: T, wrapHandler: WrapHandler): T {
  const dispatch = agent.dispatch.bind(agent) as Dispatcher['dispatch'];
  const dispatchAny: Dispatcher['dispatch'] = (options, handler) => {
    const known = wrapHandler(handler);
    // legacy handlers do not expect HTTP/2
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
