import { BroadcastChannel, getEnvironmentData, setEnvironmentData, threadId } from 'node:worker_threads';
import { IothError } from '../core/errors.js';
import { type DnsSource, dnsOf, QUERIES, type Queries } from './dns.js';
import type { NodeStack } from './node-stack.js';
import { OpenHandles } from './open-handles.js';

/*
 * A stack belongs to the thread that made it. Its worker threads ask that thread: for a socket they wait, since Node's handles
 * do not; names come as messages. Descriptors are the process's.
 */

/** A question of a worker thread. With `reply` it waits, else the reply is a message. */
interface Question {
  readonly call: Call;
  readonly args: unknown[];
  readonly thread: number;
  readonly id: number;
  readonly reply?: SharedArrayBuffer;
}
interface Reply {
  readonly thread: number;
  readonly id: number;
  readonly outcome: Outcome;
}
type Outcome = { readonly value: unknown } | { readonly failure: Failure };
type Failure = { readonly message: string; readonly code: string } & Record<string, unknown>;
type Call = 'checkUsable' | 'uncountedSocket' | 'getServers' | 'setServers' | 'query' | 'resolverQuery';

const KEY = 'ioth stack';
const REPLY_SIZE = 64 * 1024;
const REPLY_TIMEOUT_MS = 10_000;
/** In front of the text of a reply: whether it is there, and its length. */
const HEADER_SIZE = 8;

/** Lets the worker threads that are made from now on use `stack`, as {@link stackOfMainThread}. */
export function shareWithThreads(stack: NodeStack): void {
  const name = `ioth:${process.pid}:${threadId}`;
  setEnvironmentData(KEY, name);
  const channel = new BroadcastChannel(name);
  channel.unref();
  const calls = callsOf(stack);
  channel.onmessage = async (event: unknown) => {
    const question = (event as { data: Question | Reply }).data;
    if (!('call' in question)) return;
    const { call, args, thread, id, reply } = question;
    if (reply) {
      write(
        reply,
        outcomeOf(() => calls[call](...args)),
      );
      return;
    }
    const value = await Promise.resolve(calls[call](...args)).then((value) => ({ value }), failed);
    channel.postMessage({ thread, id, outcome: value } satisfies Reply);
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of another thread
function callsOf(stack: NodeStack): Record<Call, (...args: any[]) => unknown> {
  return {
    checkUsable: () => stack.checkUsable(),
    uncountedSocket: (family: number, type: number) => stack.uncountedSocket(family, type),
    getServers: () => stack.dns.getServers(),
    setServers: (servers: string[]) => stack.dns.setServers(servers),
    query: (name: 'lookup', args: [string]) => stack.dns.promises[name](...args),
    resolverQuery(name: 'resolve', args: [string], options: object | undefined, servers: string[] | undefined) {
      const resolver = new stack.dns.promises.Resolver(options);
      if (servers) resolver.setServers(servers);
      return resolver[name](...args);
    },
  };
}

/** In a worker thread: the stack of the thread that called {@link shareWithThreads}, where one did. */
export function stackOfMainThread(): NodeStack | undefined {
  const name = getEnvironmentData(KEY);
  if (typeof name !== 'string') return undefined;
  const asker = new Asker(name);
  const source: DnsSource = {
    queries: queriesOf((query, args) => asker.ask('query', query, args), {
      getServers: () => asker.askSync('getServers') as string[],
      setServers: (servers) => void asker.askSync('setServers', servers),
    }),
    lookups: {
      lookup: (...args) => asker.ask('query', 'lookup', args) as never,
      lookupService: (...args) => asker.ask('query', 'lookupService', args) as never,
    },
    newQueries(options) {
      let own: readonly string[] | undefined;
      const servers = {
        getServers: () => [...(own ?? (asker.askSync('getServers') as string[]))],
        setServers: (servers: readonly string[]) => {
          own = [...servers];
        },
      };
      const queries = queriesOf((query, args) => asker.ask('resolverQuery', query, args, options, own), servers);
      // they end by their own limits
      return Object.assign(queries, { cancel: () => {} });
    },
  };
  return {
    dns: dnsOf(source),
    nodeHandles: new OpenHandles(),
    checkUsable: () => void asker.askSync('checkUsable'),
    uncountedSocket: (family, type) => asker.askSync('uncountedSocket', family, type) as number,
  };
}

type Servers = Pick<Queries, 'getServers' | 'setServers'>;

function queriesOf(ask: (query: string, args: unknown[]) => Promise<unknown>, servers: Servers): Queries {
  const entries = QUERIES.map((name) => [name, (...args: unknown[]) => ask(name, args)] as const);
  return { ...Object.fromEntries(entries), ...servers } as unknown as Queries;
}

/** The questions of one worker thread. */
class Asker {
  readonly #channel: BroadcastChannel;
  readonly #pending = new Map<number, { done(value: unknown): void; fail(error: Error): void }>();
  #last = 0;

  constructor(name: string) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.unref();
    this.#channel.onmessage = (event: unknown) => this.#onReply((event as { data: Question | Reply }).data);
  }

  ask(call: Call, ...args: unknown[]): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((done, fail) => {
      this.#pending.set(id, { done, fail });
      this.#channel.ref();
      this.#channel.postMessage({ call, args, thread: threadId, id } satisfies Question);
    });
  }

  /** Waits for the reply: the loop of this thread does not turn, that of the other one must. */
  askSync(call: Call, ...args: unknown[]): unknown {
    const reply = new SharedArrayBuffer(REPLY_SIZE);
    this.#channel.postMessage({ call, args, thread: threadId, id: 0, reply } satisfies Question);
    if (Atomics.wait(new Int32Array(reply), 0, 0, REPLY_TIMEOUT_MS) === 'timed-out') {
      throw new IothError('ETIMEDOUT', { syscall: call, hint: 'the thread that has the stack is busy or gone' });
    }
    return valueOfOutcome(read(reply));
  }

  #onReply(reply: Question | Reply): void {
    if ('call' in reply || reply.thread !== threadId) return;
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#channel.unref();
    if ('failure' in reply.outcome) pending?.fail(errorOf(reply.outcome.failure));
    else pending?.done(reply.outcome.value);
  }
}

function outcomeOf(call: () => unknown): Outcome {
  try {
    return { value: call() };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Outcome {
  const { message, ...rest } = error as Error & { code: string };
  const { errno, code, syscall, hostname } = rest as Record<string, string>;
  return { failure: { message, code: String(code), errno, syscall, hostname } };
}

function valueOfOutcome(outcome: Outcome): unknown {
  if ('failure' in outcome) throw errorOf(outcome.failure);
  return outcome.value;
}

function errorOf({ message, code, ...rest }: Failure): Error {
  const error = new IothError(code);
  return Object.assign(error, { message }, rest);
}

function write(reply: SharedArrayBuffer, outcome: Outcome): void {
  const text = Buffer.from(JSON.stringify(outcome));
  const words = new Int32Array(reply, 0, 2);
  new Uint8Array(reply, HEADER_SIZE).set(text.subarray(0, REPLY_SIZE - HEADER_SIZE));
  words[1] = text.length;
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
}

function read(reply: SharedArrayBuffer): Outcome {
  const [, length = 0] = new Int32Array(reply, 0, 2);
  return JSON.parse(Buffer.from(new Uint8Array(reply, HEADER_SIZE, length)).toString());
}
