import { isDomainName, nameKey } from '../address/domain-name.js';
import { onAbort, untilAborted } from '../core/abort.js';
import { AbortError } from '../core/errors.js';
import { Cache } from './cache.js';
import { type QueryCode, queryError } from './errors.js';
import { type Question, type RecordType, type Reply, readReply } from './message.js';
import type { ResolvConf } from './resolv-conf.js';
import { Semaphore } from './semaphore.js';
import { askServers } from './server-failover.js';
import type { StackInterface } from './stack-interface.js';
import type { LocalAddresses } from './transport.js';

export interface StubResolverOptions {
  /** The most replies to cache, default 1000; 0 caches none. */
  cacheSize?: number;
  /** Replaces `timeout` of resolv.conf, but in milliseconds; `attempts` replaces its `attempts`. */
  timeout?: number;
  attempts?: number;
  /** Returns the source addresses of queries. */
  local?: () => LocalAddresses | undefined;
  /** True: an unreadable reply ends the wait for its server. False (default): it is ignored. */
  heedsUnreadable?: boolean;
}

/** Query in progress, with the number of callers that wait for it. */
interface PendingQuery {
  reply: Promise<Reply>;
  waiting: number;
  controller: AbortController;
}

/** The most queries in progress per resolver: each has one or two sockets. */
const MAX_QUERIES = 128;
const MAX_ALIAS_QUERIES = 8;

/**
 * Stub resolver (RFC 1034, 5.3.1): asks the servers of a resolv.conf(5) over the sockets of a stack. Sends equal
 * concurrent questions once, and caches replies for their time to live.
 */
export class StubResolver {
  /** The queries that an equal question joins. */
  readonly #pending = new Map<string, PendingQuery>();
  /** All queries in progress, also those to former servers. */
  readonly #running = new Set<PendingQuery>();
  readonly #semaphore = new Semaphore(MAX_QUERIES);
  readonly #cache: Cache<{ reply: Reply; at: number }>;
  #rotation = 0;

  constructor(
    readonly stack: StackInterface,
    readonly conf: () => ResolvConf,
    readonly options: StubResolverOptions = {},
  ) {
    this.#cache = new Cache({ size: options.cacheSize });
  }

  /**
   * Asks for the records of a name, without the search list. Rejects with a {@link DnsError} if no server has a reply:
   * ETIMEOUT, ESERVFAIL, ECONNREFUSED, …; EBADNAME; ECANCELLED.
   */
  async query(name: string, type: RecordType, signal?: AbortSignal): Promise<Reply> {
    if (signal?.aborted) throw new AbortError(signal.reason);
    if (!isDomainName(name)) throw queryError('EBADNAME', type, name);
    const key = `${type} ${nameKey(name)}`;
    const cached = this.#cache.get(key);
    if (cached) return aged(cached.reply, Math.floor((performance.now() - cached.at) / 1000));
    const query = this.#pending.get(key) ?? this.#start(key, { name: name.replace(/(.)\.$/, '$1'), type });
    query.waiting++;
    try {
      return await untilAborted(query.reply, signal);
    } finally {
      query.waiting--;
      if (query.waiting === 0 && this.#running.has(query)) query.controller.abort();
    }
  }

  /** Rejects every query in progress with ECANCELLED. */
  cancel(): void {
    for (const { controller } of this.#running) controller.abort('ECANCELLED' satisfies QueryCode);
  }

  /** Forgets all answers, also those to come: call it when the servers change. */
  clearCache(): void {
    this.#cache.clear();
    this.#pending.clear();
  }

  #start(key: string, question: Question): PendingQuery {
    const controller = new AbortController();
    /** Returns whether the query was still pending. */
    const forget = () => this.#pending.get(key) === query && this.#pending.delete(key);
    const reply = this.#semaphore
      .run(() => this.#resolve(question, controller.signal))
      .then(
        (found) => {
          if (forget()) this.#cache.set(key, { reply: found, at: performance.now() }, found.ttl);
          return found;
        },
        (error: unknown) => {
          forget();
          throw error === 'ECANCELLED' ? queryError('ECANCELLED', question.type, question.name) : error;
        },
      )
      .finally(() => this.#running.delete(query));
    // avoid an unhandled rejection after the last abort
    reply.catch(() => {});
    const query: PendingQuery = { reply, waiting: 0, controller };
    this.#pending.set(key, query);
    this.#running.add(query);
    // a question after an abort starts a new query
    onAbort(controller.signal, forget);
    return query;
  }

  async #resolve(question: Question, signal: AbortSignal): Promise<Reply> {
    let { name } = question;
    let ttl = Number.POSITIVE_INFINITY;
    // a server that doesn't recurse may return only an alias: then ask for the alias
    for (let hops = 0; ; hops++) {
      const reply = await this.#ask({ ...question, name }, signal);
      ttl = Math.min(ttl, reply.ttl);
      const endsInAlias = reply.status === 'nodata' && nameKey(reply.canonicalName) !== nameKey(name);
      if (!endsInAlias || !reply.isOpenEnded || hops === MAX_ALIAS_QUERIES) return { ...reply, ttl };
      name = reply.canonicalName;
    }
  }

  async #ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const { nameservers, options } = this.conf();
    const first = options.rotate && nameservers.length > 0 ? this.#rotation++ % nameservers.length : 0;
    const message = await askServers(this.stack, question, {
      servers: [...nameservers.slice(first), ...nameservers.slice(0, first)],
      timeout: this.options.timeout ?? options.timeout * 1000,
      attempts: this.options.attempts ?? options.attempts,
      useVc: options.useVc,
      edns0: options.edns0,
      local: this.options.local?.(),
      heedsUnreadable: this.options.heedsUnreadable,
      signal,
    });
    return readReply(message, question);
  }
}

/** Returns a cached reply with its times to live reduced by its age. */
function aged(reply: Reply, seconds: number): Reply {
  if (seconds <= 0) return reply;
  const older = (ttl: number) => Math.max(0, ttl - seconds);
  return { ...reply, ttl: older(reply.ttl), records: reply.records.map((r) => ({ ...r, ttl: older(r.ttl) })) };
}
