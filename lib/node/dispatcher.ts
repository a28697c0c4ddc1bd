// types by name: programs without esModuleInterop read these declarations
import net, { type NetConnectOpts, type Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { runInThisContext } from 'node:vm';
import { IothError } from '../core/errors.js';
import { type MeantStack, scopeOf, stackInUse } from './current-stack.js';
import type { NodeStack } from './node-stack.js';

/*
 * undici implements fetch and WebSocket, and keeps its connections in a dispatcher. The global dispatcher is wrapped: requests on
 * a stack go to a dispatcher of that stack.
 */

/** The part of undici's Dispatcher that is used here. */
export interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
}
/** undici's class Agent. */
export type AgentClass<T extends object = Dispatcher> = new (options: object) => T;

/** The options that undici passes to a connector. */
interface ConnectTarget {
  hostname: string;
  host?: string;
  protocol: string;
  port?: string;
  servername?: string;
  localAddress?: string | null;
  httpSocket?: Socket;
}
type OnConnect = (error: Error | null, socket?: Socket) => void;

/** Options of the connections of `stack.dispatcher()`: those of tls.connect(), and undici's own of its buildConnector. */
export interface DispatcherConnectOptions extends ConnectionOptions {
  /** The timeout of a connect, in milliseconds; 0 for none. Default 10000. */
  timeout?: number;
  /** Offers HTTP/2 to servers. Default true with undici 8, false with older versions. */
  allowH2?: boolean;
}

/** The dispatcher for handlers of undici 6: an Agent of version 6 or 7, or a wrapper that version 8 set. */
const FIRST = Symbol.for('undici.globalDispatcher.1');
/**
 * The dispatcher for handlers of undici 8: an Agent of version 7 or 8, which accept both kinds of handlers. Version 8 uses this
 * one, versions 6 and 7 use the other.
 */
const SECOND = Symbol.for('undici.globalDispatcher.2');
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 60_000;

type Globals = Record<symbol, Dispatcher | undefined>;
/** Gives a handler of undici 6 the methods of one of undici 8. Returns a handler of undici 8 unchanged. */
export type WrapHandler = (handler: object) => object;

/** The way to make and call a stack's dispatcher in place of a global one. */
interface Kind {
  readonly Agent: AgentClass;
  /** Converts handlers if the Agent takes another kind: a function of undici's Dispatcher1Wrapper. */
  readonly wrapHandler?: WrapHandler;
  /** True to offer HTTP/2 to servers: the default of undici 8. */
  readonly allowH2: boolean;
}

interface Realm {
  readonly globals: Globals;
  /** The Agent class of the first dispatcher that each symbol had. */
  readonly agents: Map<symbol, AgentClass>;
}

const wrapped = new WeakSet<object>();
const agents = new WeakMap<NodeStack, Map<AgentClass, Dispatcher[]>>();
let realms: Realm[] | undefined;

/** Wraps the global dispatchers that are not wrapped yet: the program may have set another one. */
export function wrapGlobalDispatcher(): void {
  realms ??= findRealms();
  for (const realm of realms) {
    for (const key of [SECOND, FIRST]) {
      const dispatcher = realm.globals[key];
      if (dispatcher && !wrapped.has(dispatcher)) realm.globals[key] = wrap(dispatcher, kindOf(realm, key, dispatcher));
    }
  }
}

/** Returns the main globalThis, which fetch uses, and that of this code: in a context of its own (vm, jest) they differ. */
function findRealms(): Realm[] {
  const main = runInThisContext('globalThis');
  // the first access to this class loads undici, which makes its dispatcher
  Reflect.get(main, 'Response');
  return [...new Set([main, globalThis])].map((globals: Globals) => ({ globals, agents: new Map() }));
}

function kindOf(realm: Realm, key: symbol, dispatcher: Dispatcher): Kind | undefined {
  const wrapHandler = wrapHandlerOf(dispatcher);
  if (wrapHandler) {
    // the second symbol has the Agent that the wrapper hides
    const Agent = agentClass(realm.globals[SECOND]) ?? realm.agents.get(SECOND);
    return Agent && { Agent, wrapHandler, allowH2: false };
  }
  const Agent = agentClass(dispatcher) ?? realm.agents.get(key);
  if (!Agent) return undefined;
  if (!realm.agents.has(key)) realm.agents.set(key, Agent);
  // undici 8 sets both symbols
  return { Agent, allowH2: key === SECOND && wrapHandlerOf(realm.globals[FIRST]) !== undefined };
}

/** Returns the function of a Dispatcher1Wrapper of undici 8; undefined for other dispatchers. */
function wrapHandlerOf(dispatcher: Dispatcher | undefined): WrapHandler | undefined {
  return (dispatcher?.constructor as { wrapHandler?: WrapHandler } | undefined)?.wrapHandler;
}

/** Returns the Agent class of a dispatcher, or of the Agent inside it: ProxyAgent, MockAgent. */
function agentClass(dispatcher: Dispatcher | undefined): AgentClass | undefined {
  if (!dispatcher) return undefined;
  const inner = Object.getOwnPropertySymbols(dispatcher).map((key): unknown => Reflect.get(dispatcher, key));
  for (const object of [dispatcher, ...inner]) {
    if (typeof object !== 'object' || object === null) continue;
    for (let each = object.constructor; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
      if (each.name === 'Agent') return each as AgentClass;
    }
  }
  return undefined;
}

function wrap(host: Dispatcher, kind: Kind | undefined): Dispatcher {
  const dispatch: Dispatcher['dispatch'] = (options, handler) => {
    const stack = stackInUse.of();
    return stack ? dispatchOn(stack, host, kind, options, handler) : host.dispatch(options, handler);
  };
  const wrapper = new Proxy(host, {
    get(target, key) {
      if (key === 'dispatch') return dispatch;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' && key !== 'constructor' ? value.bind(target) : value;
    },
  });
  wrapped.add(wrapper);
  return wrapper;
}

function dispatchOn(stack: NodeStack, host: Dispatcher, kind: Kind | undefined, options: object, handler: object) {
  if (!kind) {
    const hint = `the global dispatcher is a ${host.constructor.name} without an undici Agent: use stack.dispatcher()`;
    throw new IothError('ERR_NODE_INTERNALS', { hint });
  }
  const { Agent, wrapHandler, allowH2 } = kind;
  const agent = agentOf(stack, Agent, allowH2 && (options as { allowH2?: boolean }).allowH2 !== false);
  return agent.dispatch(options, wrapHandler ? wrapHandler(handler) : handler);
}

/** Returns one of a stack's two Agents: for HTTP/1.1, or for HTTP/2 too. */
function agentOf(stack: NodeStack, Agent: AgentClass, allowH2: boolean): Dispatcher {
  const ofStack = agents.get(stack) ?? new Map<AgentClass, Dispatcher[]>();
  agents.set(stack, ofStack);
  const pair = ofStack.get(Agent) ?? [];
  ofStack.set(Agent, pair);
  pair[Number(allowH2)] ??= stackAgent(stack, Agent, allowH2 ? { connect: { allowH2 } } : {});
  return pair[Number(allowH2)] as Dispatcher;
}

/** Creates an undici Agent whose connections are on `stack`, in any context. */
export function stackAgent<T extends object>(
  stack: MeantStack,
  Agent: AgentClass<T>,
  { connect, ...options }: { connect?: DispatcherConnectOptions } = {},
): T {
  return new Agent({ ...options, connect: connector(stack, connect) });
}

/** Creates a connector like undici's buildConnector. It shares no TLS sessions with other stacks. */
export function connector(
  stack: MeantStack,
  { timeout = CONNECT_TIMEOUT_MS, allowH2, ...options }: DispatcherConnectOptions = {},
) {
  const sessions = new Map<string, Buffer>();
  const open = (target: ConnectTarget): Socket => {
    const { hostname, host = hostname, protocol, localAddress, httpSocket } = target;
    const local = localAddress ? { localAddress } : {};
    if (protocol !== 'https:') {
      const where = { ...local, port: Number(target.port || 80), host: hostname };
      return net.connect({ ...options, ...where } as NetConnectOpts);
    }
    const servername = target.servername || options.servername || serverName(host);
    const port = Number(target.port || 443);
    const key = `${servername || hostname}:${port}`;
    const where = { ...local, servername, session: sessions.get(key), socket: httpSocket, port, host: hostname };
    const ALPNProtocols = allowH2 ? ['http/1.1', 'h2'] : ['http/1.1'];
    const socket = tls.connect({ ALPNProtocols, ...options, ...where });
    return socket.on('session', (ticket) => sessions.set(key, ticket));
  };
  return (target: ConnectTarget, callback: OnConnect) => {
    const socket = stackInUse.run(stack, () => open(target), scopeOf([options]));
    watchConnect(socket, target.protocol === 'https:' ? 'secureConnect' : 'connect', timeout, callback);
    return socket;
  };
}

function watchConnect(socket: Socket, event: string, timeout: number, callback: OnConnect): void {
  let isDone = false;
  const done: OnConnect = (...result) => {
    clearTimeout(timer);
    if (!isDone) callback(...result);
    isDone = true;
  };
  const late = () =>
    socket.destroy(Object.assign(new Error('Connect Timeout Error'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
  const timer = timeout > 0 ? setTimeout(late, timeout) : undefined;
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  socket.setNoDelay(true);
  socket.once(event, () => done(null, socket)).on('error', (error) => done(error));
  socket.once('close', () => clearTimeout(timer));
}

/** Returns the server name for TLS (SNI): '' if the host is an IP address. */
function serverName(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return net.isIP(name.replace(/^\[|\]$/g, '')) ? '' : name;
}
