import type { LookupAddress } from 'node:dns';
import { BroadcastChannel, getEnvironmentData, setEnvironmentData, threadId } from 'node:worker_threads';
import { libc } from '../../ffi/libc.js';
import { IothError } from '../core/errors.js';
import type { Nameserver } from '../dns/resolv-conf.js';
import { backendOf, dnsOf } from './dns.js';
import type { DnsSource, Queries, ResolverSettings } from './dns-source.js';
import type { NetworkInterfaces, NodeStack } from './node-stack.js';
import { OpenHandles } from './open-handles.js';
import { networkInterfacesOf } from './os.js';

/*
 * A stack belongs to the thread that made it. Worker threads send their requests to that thread. A request for a socket blocks
 * the worker, since Node's handles do not wait; names come as messages. File descriptors belong to the process, not to a thread.
 */

/** A request of a worker thread. With `reply` the thread blocks, else the reply is a message. */
interface Question {
  readonly call: Call;
  readonly args: unknown[];
  readonly thread: number;
  readonly id: number;
  readonly reply?: SharedReply;
}
/** A reply in memory that both threads share. */
interface SharedReply {
  /** One of the states below, then the length of the text. */
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly text: Uint8Array<SharedArrayBuffer>;
}
type Reply = Pick<Question, 'thread' | 'id'> & { readonly outcome: Outcome };
type Outcome = { readonly value: unknown } | { readonly failure: Failure };
type Failure = { readonly message: string; readonly code: string } & Record<string, unknown>;
type Call =
  | 'checkUsable'
  | 'uncountedSocket'
  | 'if_nametoindex'
  | 'if_indextoname'
  | 'networkInterfaces'
  | 'getServers'
  | 'setServers'
  | 'query'
  | 'lookup'
  | 'lookupService';

const KEY = 'ioth stack';
const REPLY_SIZE = 64 * 1024;
const REPLY_TIMEOUT_MS = 10_000;

// the states of a shared reply
const ASKED = 0;
const CLAIMED = 1;
const ANSWERED = 2;
const TAKEN = 3;
const GIVEN_UP = 4;

/** Lets worker threads that are made from now on use `stack`, by {@link stackOfMainThread}. */
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
      // the thread may have given up while this one was blocked
      if (!moves(reply.words, ASKED, CLAIMED)) return;
      const outcome = outcomeOf(() => calls[call](...args));
      write(reply, outcome);
      if (call === 'uncountedSocket') closeUntaken(reply, outcome);
      return;
    }
    const outcome = await Promise.resolve(calls[call](...args)).then((value) => ({ value }), failed);
    channel.postMessage({ thread, id, outcome } satisfies Reply);
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of another thread
function callsOf(stack: NodeStack): Record<Call, (...args: any[]) => unknown> {
  const { source } = backendOf(stack.dns);
  const queriesOf = (settings?: ResolverSettings | null) => (settings ? source.newQueries(settings) : source.queries);
  return {
    checkUsable: () => stack.checkUsable(),
    uncountedSocket: (family: number, type: number) => stack.uncountedSocket(family, type),
    if_nametoindex: (ifname: string) => stack.if_nametoindex(ifname),
    if_indextoname: (ifindex: number) => stack.if_indextoname(ifindex),
    networkInterfaces: () => networkInterfacesOf(stack),
    getServers: (settings?: ResolverSettings) => queriesOf(settings).getServers(),
    setServers: (servers: Nameserver[]) => source.setServers(servers),
    query: (settings: ResolverSettings | undefined, ...args: Parameters<Queries['query']>) =>
      queriesOf(settings).query(...args),
    lookup: (...args: Parameters<DnsSource['lookup']>) => source.lookup(...args),
    lookupService: (...args: Parameters<DnsSource['lookupService']>) => source.lookupService(...args),
  };
}

/** Returns, in a worker thread, the stack of the thread that called {@link shareWithThreads}, if one did. */
export function stackOfMainThread(): NodeStack | undefined {
  const name = getEnvironmentData(KEY);
  if (typeof name !== 'string') return undefined;
  const asker = new Asker(name);
  const newQueries = (settings?: ResolverSettings): Queries => ({
    getServers: () => asker.askSync('getServers', settings) as Nameserver[],
    query: (...args) => asker.ask('query', settings, ...args),
    // queries end by their own timeouts
    cancel: () => {},
  });
  const source: DnsSource = {
    queries: newQueries(),
    newQueries,
    setServers: (servers) => void asker.askSync('setServers', servers),
    lookup: (...args) => asker.ask('lookup', ...args) as Promise<LookupAddress[]>,
    lookupService: (...args) => asker.ask('lookupService', ...args) as Promise<[string, string]>,
  };
  return {
    dns: dnsOf(source),
    nodeHandles: new OpenHandles(),
    checkUsable: () => void asker.askSync('checkUsable'),
    uncountedSocket: (family, type) => asker.askSync('uncountedSocket', family, type) as number,
    if_nametoindex: (ifname) => asker.askSync('if_nametoindex', ifname) as number,
    if_indextoname: (ifindex) => asker.askSync('if_indextoname', ifindex) as string,
    networkInterfaces: () => asker.askSync('networkInterfaces') as NetworkInterfaces,
  };
}

/** Sends the requests of one worker thread. */
class Asker {
  readonly #channel: BroadcastChannel;
  readonly #pending = new Map<number, (outcome: Outcome) => void>();
  #last = 0;

  constructor(name: string) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.unref();
    this.#channel.onmessage = (event: unknown) => this.#onReply((event as { data: Question | Reply }).data);
  }

  async ask(call: Call, ...args: unknown[]): Promise<unknown> {
    const id = ++this.#last;
    const outcome = await new Promise<Outcome>((done) => {
      this.#pending.set(id, done);
      this.#channel.ref();
      this.#channel.postMessage({ call, args, thread: threadId, id } satisfies Question);
    });
    return valueIn(outcome);
  }

  /**
   * Blocks until the reply comes: the event loop of this thread does not turn, that of the other thread must.
   * @throws {IothError} ETIMEDOUT after 10 seconds; the error of the call
   */
  askSync(call: Call, ...args: unknown[]): unknown {
    const reply = newReply();
    this.#channel.postMessage({ call, args, thread: threadId, id: 0, reply } satisfies Question);
    Atomics.wait(reply.words, 0, ASKED, REPLY_TIMEOUT_MS);
    // a thread that has begun with the answer has it soon
    if (!moves(reply.words, ASKED, GIVEN_UP)) Atomics.wait(reply.words, 0, CLAIMED);
    if (!moves(reply.words, ANSWERED, TAKEN)) {
      throw new IothError('ETIMEDOUT', { syscall: call, hint: 'the thread that has the stack is busy or gone' });
    }
    return valueIn(read(reply));
  }

  #onReply(reply: Question | Reply): void {
    if ('call' in reply || reply.thread !== threadId) return;
    this.#pending.get(reply.id)?.(reply.outcome);
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#channel.unref();
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
  const { message, ...rest } = error as Error;
  const { errno, code, syscall, hostname, eai } = rest as Record<string, unknown>;
  return { failure: { message, code: String(code), errno, syscall, hostname, eai } };
}

function valueIn(outcome: Outcome): unknown {
  if (!('failure' in outcome)) return outcome.value;
  const { code, ...rest } = outcome.failure;
  throw Object.assign(new IothError(code), rest);
}

function newReply(): SharedReply {
  return { words: new Int32Array(new SharedArrayBuffer(8)), text: new Uint8Array(new SharedArrayBuffer(REPLY_SIZE)) };
}

/** Moves a reply to the next state. Returns false if it is not in the state `from`: the other thread was first. */
function moves(words: SharedReply['words'], from: number, to: number): boolean {
  return Atomics.compareExchange(words, 0, from, to) === from;
}

function write({ words, text }: SharedReply, outcome: Outcome): void {
  let bytes = Buffer.from(JSON.stringify(outcome));
  if (bytes.length > text.length) bytes = Buffer.from(JSON.stringify(failed(new IothError('EMSGSIZE'))));
  text.set(bytes);
  words[1] = bytes.length;
  Atomics.store(words, 0, ANSWERED);
  Atomics.notify(words, 0);
}

function read({ words: [, length], text }: SharedReply): Outcome {
  return JSON.parse(Buffer.from(text.subarray(0, length)).toString());
}

/** Closes the descriptor of a reply that was not taken, because the thread that waited for it was terminated. */
function closeUntaken({ words }: SharedReply, outcome: Outcome): void {
  if ('failure' in outcome) return;
  const check = () => {
    if (moves(words, ANSWERED, GIVEN_UP)) libc().close(outcome.value as number);
  };
  setTimeout(check, REPLY_TIMEOUT_MS).unref();
}
