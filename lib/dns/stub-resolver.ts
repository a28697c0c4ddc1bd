import { isDomainName, nameKey } from '../address/domain-name.js';
import { onAbort, untilAborted } from '../core/abort.js';
import { AbortError } from '../core/errors.js';
import { Cache } from './cache.js';
import { type QueryCode, queryError } from './errors.js';
import { type Question, type RecordType, type Reply, readReply } from './message.js';
import type { ResolvConf } from './resolv-conf.js';
import type { ResolverStack } from './resolver-stack.js';
import { Semaphore } from './semaphore.js';
import { askServers } from './server-failover.js';
import type { LocalAddresses } from './transport.js';

export interface StubResolverOptions {
  /** Replies cached at most; 0 caches none. */
  cacheSize?: number;
  /** Replace `timeout` (here in milliseconds) and `attempts` of resolv.conf. */
  timeout?: number;
  attempts?: number;
  /** The addresses to ask from. */
  local?: () => LocalAddresses | undefined;
  /** Whether a reply that cannot be read ends the wait for its server, instead of being ignored. */
  heedsUnreadable?: boolean;
}

/** A query on its way, and how many wait for it. */
interface PendingQuery {
  reply: Promise<Reply>;
  waiting: number;
  controller: AbortController;
}

/** Queries that are out at once, of one resolver: each has a socket or two. */
const MAX_QUERIES = 128;
const MAX_ALIAS_QUERIES = 8;

/**
 * A stub resolver (RFC 1034, 5.3.1): questions to the servers of a resolv.conf(5), over the sockets of a stack. The same
 * question asked twice at once goes out once; replies are cached for their time to live.
 */
export class StubResolver {
  readonly #pending = new Map<string, PendingQuery>();
  readonly #semaphore = new Semaphore(MAX_QUERIES);
  readonly #cache: Cache<{ reply: Reply; at: number }>;
  #rotation = 0;

  constructor(
    readonly stack: ResolverStack,
    readonly conf: () => ResolvConf,
    readonly options: StubResolverOptions = {},
  ) {
    this.#cache = new Cache({ size: options.cacheSize });
  }

  /**
   * Asks for the records of a name, which is taken as it is: the search list is not for queries. Where no server has a
   * reply it rejects with a {@link DnsError}: ETIMEOUT, ESERVFAIL, ECONNREFUSED, …; EBADNAME; ECANCELLED.
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
      if (query.waiting === 0 && this.#pending.get(key) === query) query.controller.abort();
    }
  }

  /** Ends every query on its way with ECANCELLED. */
  cancel(): void {
    for (const { controller } of this.#pending.values()) controller.abort('ECANCELLED' satisfies QueryCode);
  }

  /** For when the servers are others. */
  clearCache(): void {
    this.#cache.clear();
  }

  #start(key: string, question: Question): PendingQuery {
    const controller = new AbortController();
    const forget = () => {
      if (this.#pending.get(key) === query) this.#pending.delete(key);
    };
    const reply = this.#semaphore
      .run(() => this.#resolve(question, controller.signal))
      .then(
        (found) => {
          forget();
          this.#cache.set(key, { reply: found, at: performance.now() }, found.ttl);
          return found;
        },
        (error: unknown) => {
          forget();
          throw error === 'ECANCELLED' ? queryError('ECANCELLED', question.type, question.name) : error;
        },
      );
    // after the last abort nobody handles its rejection
    reply.catch(() => {});
    const query: PendingQuery = { reply, waiting: 0, controller };
    this.#pending.set(key, query);
    // whoever asks after an abort starts a query anew
    onAbort(controller.signal, forget);
    return query;
  }

  async #resolve(question: Question, signal: AbortSignal): Promise<Reply> {
    let { name } = question;
    let ttl = Number.POSITIVE_INFINITY;
    // a server that doesn't recurse may end with an alias: the next question is the alias's
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

/** A cached reply as it is now: its records have less time to live. */
function aged(reply: Reply, seconds: number): Reply {
  if (seconds <= 0) return reply;
  const older = (ttl: number) => Math.max(0, ttl - seconds);
  return { ...reply, ttl: older(reply.ttl), records: reply.records.map((r) => ({ ...r, ttl: older(r.ttl) })) };
}
