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

/** The members of a Stack that Node's modules use. */
export interface StackOfNode extends NodeStack, CountingStack {
  socket(family: number, type: number, proto?: number, fileno?: number): Socket;
}

/** The environment variable that makes Node's modules pump data on stacks with sockets of the kernel too, for tests. */
const PUMP_VARIABLE = 'IOTH_PUMP';

/**
 * Node's own modules on a stack. Their objects are Node's own: a `net.Socket` is a socket of the kernel in Node's handle. The
 * first use of any of these members changes Node's handles and modules in this thread, so that they ask for the stack to use.
 * Without a stack they work as before.
 */
export abstract class NodeModulesStack extends SocketStack {
  /** @internal */
  protected abstract get nodeStack(): StackOfNode;
  /** The handles of Node's that use a socket of the stack. @internal */
  readonly nodeHandles = new OpenHandles();

  #fetch: typeof fetch | undefined;

  /**
   * Calls `fn` with this stack as the network of Node's `net`, `dgram`, `http`, `https`, `http2`, `tls`, `dns`, `fetch` and
   * `WebSocket`. This includes what `fn` starts: promises, timers, the handlers of its servers. Names, 'localhost' and 127.0.0.1
   * are those of the stack too: the first socket brings its `lo` up.
   * @returns what `fn` returns
   * @throws what `fn` throws
   * @throws {IothError} ERR_NODE_INTERNALS in a Node whose sockets are unlike those of 20, 22, 24 and 26
   */
  run<A extends unknown[], T>(fn: (...args: A) => T, ...args: A): T {
    if (typeof fn !== 'function') throw invalidType('fn', 'a function', fn);
    return run(this.nodeStack, fn, args);
  }

  /** node:net on this stack, from any caller. @throws {IothError} ERR_NODE_INTERNALS as {@link run} */
  get net(): NodeModules['net'] {
    return face(this.nodeStack, 'net');
  }

  /** node:dgram, as {@link net}. */
  get dgram(): NodeModules['dgram'] {
    return face(this.nodeStack, 'dgram');
  }

  /** node:http, as {@link net}. Its `globalAgent`, and what it makes, use this stack. */
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

  /** The global fetch on this stack, with connections of its own. It can be called without `this`. */
  get fetch(): typeof fetch {
    this.#fetch ??= fetchOn(this.nodeStack);
    return this.#fetch;
  }

  /**
   * Makes an Agent of undici (version 6, 7 or 8) whose connections are on this stack. Use it with undici's `request`, `stream`
   * and `fetch`, and as the `dispatcher` of the global fetch. Each call makes a new one; close it yourself.
   * @param options undici's; `connect` has those of tls.connect, `timeout` in milliseconds and `allowH2`
   * @throws {IothError} ERR_MODULE_NOT_FOUND if undici is not installed
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

  /** True if Node's handles cannot hold its sockets. @internal */
  get isPumped(): boolean {
    return !this.nodeStack.hasKernelSockets || process.env[PUMP_VARIABLE] === '1';
  }

  /** Makes the net.Socket of `Socket.stream()`. @internal */
  netSocket(socket: StreamedSocket): NetSocket {
    return netSocketOn(socket, this.nodeStack);
  }
}
