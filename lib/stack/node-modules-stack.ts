import type { Socket as NetSocket } from 'node:net';
import { invalidType } from '../core/validate.js';
import { face, type NodeModules } from '../node/faces.js';
import { type DispatcherOptions, type FetchDispatcher, fetchOn, undiciAgent } from '../node/fetch.js';
import type { NodeStack } from '../node/node-stack.js';
import { OpenHandles } from '../node/open-handles.js';
import { run } from '../node/run.js';
import { netSocketOn } from '../node/socket-stream.js';
import { bringUpLoopback, type CountingStack, uncountedSocket } from '../node/uncounted-socket.js';
import type { SocketMaker, StreamedSocket } from '../socket/owner.js';
import type { Socket } from '../socket/socket.js';
import { SocketStack } from './socket-stack.js';

/** What a Stack is here. */
export interface StackOfNode extends NodeStack, CountingStack {
  socket(family: number, type: number, proto?: number, fileno?: number): Socket;
}

/** In the environment: stacks with sockets of the kernel do without them, for tests. */
const PUMP_VARIABLE = 'IOTH_PUMP';

/**
 * Node's own modules on a stack. What they make is Node's own: a `net.Socket` is a socket of the kernel's in Node's handle. The
 * first use of any of these changes the handles and modules of Node in this thread, so that they ask which stack is meant;
 * with none they do what they always did.
 */
export abstract class NodeModulesStack extends SocketStack {
  /** @internal */
  protected abstract get nodeStack(): StackOfNode;
  /** The handles of Node's that have a socket of it. @internal */
  readonly nodeHandles = new OpenHandles();

  #fetch: typeof fetch | undefined;

  /**
   * Calls `fn`: what Node's `net`, `dgram`, `http`, `https`, `http2`, `tls`, `dns`, `fetch` and `WebSocket` do in it, and in
   * what comes from it (promises, timers, the handlers of its servers), is on this stack. So are names, 'localhost' and
   * 127.0.0.1: the first socket brings its `lo` up.
   * @returns what `fn` returns
   * @throws what `fn` throws
   * @throws {IothError} ERR_NODE_INTERNALS in a Node whose sockets are not as those of 20, 22, 24 and 26
   */
  run<A extends unknown[], T>(fn: (...args: A) => T, ...args: A): T {
    if (typeof fn !== 'function') throw invalidType('fn', 'a function', fn);
    return run(this.nodeStack, fn, args);
  }

  /** node:net on this stack, wherever it is called from. @throws {IothError} ERR_NODE_INTERNALS as {@link run} */
  get net(): NodeModules['net'] {
    return face(this.nodeStack, 'net');
  }

  /** node:dgram, as {@link net}. */
  get dgram(): NodeModules['dgram'] {
    return face(this.nodeStack, 'dgram');
  }

  /** node:http, as {@link net}; its `globalAgent` and what it makes are of this stack. */
  get http(): NodeModules['http'] {
    return face(this.nodeStack, 'http');
  }

  /** node:https, as {@link http}. */
  get https(): NodeModules['https'] {
    return face(this.nodeStack, 'https');
  }

  /** node:http2, as {@link net}. */
  get http2(): NodeModules['http2'] {
    return face(this.nodeStack, 'http2');
  }

  /** node:tls, as {@link net}. */
  get tls(): NodeModules['tls'] {
    return face(this.nodeStack, 'tls');
  }

  /** The global fetch on this stack, with connections of its own. It needs no `this`. */
  get fetch(): typeof fetch {
    this.#fetch ??= fetchOn(this.nodeStack);
    return this.#fetch;
  }

  /**
   * An Agent of undici's, version 6, 7 or 8, whose connections are on this stack: for its `request`, `stream` and `fetch`, and as
   * the `dispatcher` of the global fetch. Each call makes one, which the program closes.
   * @param options undici's; `connect` has those of tls.connect, `timeout` in milliseconds and `allowH2`
   * @throws {IothError} ERR_MODULE_NOT_FOUND where undici is not installed
   */
  dispatcher(options?: DispatcherOptions): FetchDispatcher {
    if (options !== undefined && (typeof options !== 'object' || options === null)) {
      throw invalidType('options', 'an object', options);
    }
    return undiciAgent(this.nodeStack, options);
  }

  /** @internal */
  get sockets(): SocketMaker {
    return this.nodeStack;
  }

  /** @internal */
  uncountedSocket(family: number, type: number): number {
    this.nodeStack.checkUsable();
    return uncountedSocket(this.nodeStack, family, type);
  }

  /** @internal */
  pumpedSocket(family: number, type: number): Socket {
    this.nodeStack.checkUsable();
    bringUpLoopback(this.nodeStack);
    return this.nodeStack.socket(family, type);
  }

  /** Whether Node's handles cannot have its sockets. @internal */
  get isPumped(): boolean {
    return !this.nodeStack.hasKernelSockets || process.env[PUMP_VARIABLE] === '1';
  }

  /** For `Socket.stream()`. @internal */
  netSocket(socket: StreamedSocket): NetSocket {
    return netSocketOn(socket, this.nodeStack);
  }
}
