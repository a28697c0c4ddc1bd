import net from 'node:net';
import tls from 'node:tls';
import { runInThisContext } from 'node:vm';
import { callWithOptionsOn, currentStack, type MeantStack } from './current-stack.js';
import type { NodeStack } from './node-stack.js';

/*
 * undici, which is behind fetch and WebSocket, keeps its connections in a dispatcher. The global one is wrapped: what is
 * meant for a stack goes to a dispatcher of that stack.
 */

/** What is used of undici's Dispatcher. */
export interface Dispatcher {
  dispatch(options: object, handler: object): boolean;
}
/** undici's class Agent. */
export type AgentClass<T extends object = Dispatcher> = new (options: object) => T;

/** What a connector of undici's gets. */
interface ConnectTarget {
  hostname: string;
  host?: string;
  protocol: string;
  port?: string;
  servername?: string;
  localAddress?: string | null;
  httpSocket?: net.Socket;
}
type OnConnect = (error: Error | null, socket?: net.Socket) => void;

/** Options of the connections of `stack.dispatcher()`: those of undici's buildConnector that are its own. */
export interface ConnectOptions extends tls.ConnectionOptions {
  /** Milliseconds; 0 for no limit. Default 10000. */
  timeout?: number;
  allowH2?: boolean;
}

/** Of undici 6 and 7, and of what is in Node; later versions have both. */
const GLOBALS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) => Symbol.for(name));
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_DELAY_MS = 60_000;

type Globals = Record<symbol, Dispatcher | undefined>;

const wrapped = new WeakSet<object>();
const agents = new WeakMap<NodeStack, Map<AgentClass, Dispatcher>>();
let realms: { readonly globals: Globals; agent?: AgentClass }[] | undefined;

/** Wraps the global dispatcher, unless that was done; again where the program set another one. */
export function wrapGlobalDispatcher(): void {
  realms ??= findRealms();
  for (const realm of realms) {
    for (const key of GLOBALS) {
      const dispatcher = realm.globals[key];
      if (!dispatcher || wrapped.has(dispatcher)) continue;
      realm.agent ??= dispatcher.constructor as AgentClass;
      realm.globals[key] = wrap(dispatcher, realm.agent);
    }
  }
}

/** What runs in a context of its own (vm, jest) has another globalThis than fetch. */
function findRealms() {
  const main = runInThisContext('globalThis');
  // undici is loaded, and makes its dispatcher, when this class is first looked at
  Reflect.get(main, 'Response');
  return [...new Set([main, globalThis])].map((globals: Globals) => ({ globals }));
}

function wrap(host: Dispatcher, Agent: AgentClass): Dispatcher {
  const dispatch: Dispatcher['dispatch'] = (options, handler) => {
    const stack = currentStack();
    return (stack ? agentOf(stack, Agent) : host).dispatch(options, handler);
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

function agentOf(stack: NodeStack, Agent: AgentClass): Dispatcher {
  const ofStack = agents.get(stack) ?? new Map<AgentClass, Dispatcher>();
  agents.set(stack, ofStack);
  const agent = ofStack.get(Agent) ?? stackAgent(stack, Agent);
  ofStack.set(Agent, agent);
  return agent;
}

/** An Agent of undici's whose connections are on `stack`, whoever asks for them. */
export function stackAgent<T extends object>(
  stack: MeantStack,
  Agent: AgentClass<T>,
  { connect, ...options }: { connect?: ConnectOptions } = {},
): T {
  return new Agent({ ...options, connect: connector(stack, connect) });
}

/** As undici's buildConnector: its TLS sessions are of this stack only. */
function connector(stack: MeantStack, { timeout = CONNECT_TIMEOUT_MS, allowH2, ...options }: ConnectOptions = {}) {
  const sessions = new Map<string, Buffer>();
  const open = (target: ConnectTarget): net.Socket => {
    const { hostname, host = hostname, protocol, localAddress, httpSocket } = target;
    const local = localAddress ? { localAddress } : {};
    if (protocol !== 'https:') {
      const where = { ...local, port: Number(target.port || 80), host: hostname };
      return net.connect({ ...options, ...where } as net.NetConnectOpts);
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
    const socket = callWithOptionsOn(stack, [options], () => open(target));
    watchConnect(socket, target.protocol === 'https:' ? 'secureConnect' : 'connect', timeout, callback);
    return socket;
  };
}

function watchConnect(socket: net.Socket, event: string, timeout: number, callback: OnConnect): void {
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

/** What a certificate is for: none where the host is an address. */
function serverName(host: string): string {
  const name = host.replace(/:\d*$/, '');
  return net.isIP(name.replace(/^\[|\]$/g, '')) ? '' : name;
}
