import { onAbort } from '../core/abort.js';
import { QUERY_CODES, type QueryCode, queryError } from './errors.js';
import type { DnsMessage, Question } from './message.js';
import type { Nameserver } from './resolv-conf.js';
import type { StackInterface } from './stack-interface.js';
import { queryServer, type TransportOptions } from './transport.js';

/** Options of a query: the servers, the attempts and the timeout. */
export interface FailoverOptions extends TransportOptions {
  /** The servers, in the order in which they are asked. */
  servers: readonly Nameserver[];
  /** How many times the whole list is asked. */
  attempts: number;
  useVc: boolean;
}

/** Temporary errors (the connection ended too early, the reply is unreadable): the server may be asked again. */
const PASSING_ERRORS = new Set<string | undefined>(['ECONNRESET', 'EPIPE', 'EBADMSG']);

/**
 * Asks the servers until one answers: with records, without records, or that the name doesn't exist.
 *
 * If a server fails or is unreachable, the next one is asked at once. If a server is silent for its share of the timeout,
 * the next one is asked too, and the first response of any server counts. So a dead first server costs only a part of the
 * timeout, and a slow one may still respond.
 */
export function askServers(stack: StackInterface, question: Question, options: FailoverOptions): Promise<DnsMessage> {
  return new Promise((resolve, reject) => new ServerFailover(stack, question, options, resolve, reject).start());
}

class ServerFailover {
  /** The servers still to ask: the whole list, once per attempt. */
  readonly #plan: Nameserver[];
  /** Servers that failed and are not asked again. */
  readonly #failedServers = new Set<Nameserver>();
  /** How many queries are in progress. */
  #pending = 0;
  /** Ends them when the result is known. */
  readonly #end = new AbortController();
  #nextTimer: NodeJS.Timeout | undefined;
  #stopListening = () => {};
  /** The response of the first server that failed. */
  #failure: QueryCode | undefined;
  /** Why the last transaction without a response ended. */
  #lastError: NodeJS.ErrnoException | undefined;

  constructor(
    readonly stack: StackInterface,
    readonly question: Question,
    readonly options: FailoverOptions,
    readonly resolve: (message: DnsMessage) => void,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#plan = Array.from({ length: options.attempts }, () => options.servers).flat();
  }

  start(): void {
    const { signal } = this.options;
    this.#stopListening = onAbort(signal, () => this.#settle(() => this.reject(signal.reason)));
    if (!signal.aborted) this.#askNext();
  }

  #askNext(): void {
    clearTimeout(this.#nextTimer);
    let server = this.#plan.shift();
    while (server && this.#failedServers.has(server)) server = this.#plan.shift();
    if (server) {
      const { timeout, servers, useVc, edns0 } = this.options;
      this.#nextTimer = setTimeout(() => this.#askNext(), timeout / servers.length);
      this.#ask(server, useVc, edns0);
    } else if (this.#pending === 0) {
      this.#fail(this.#failure ?? codeOfSilence(this.#lastError?.code), this.#lastError);
    }
  }

  #ask(server: Nameserver, isTcp: boolean, edns0: boolean): void {
    const { signal } = this.#end;
    this.#pending++;
    queryServer(this.stack, server, this.question, isTcp, { ...this.options, edns0, signal })
      .finally(() => this.#pending--)
      .then(
        (message) => signal.aborted || this.#onResponse(message, server, isTcp, edns0),
        (error: NodeJS.ErrnoException) => signal.aborted || this.#onError(error, server),
      )
      .catch((error: unknown) => this.#settle(() => this.reject(error)));
  }

  #onResponse(message: DnsMessage, server: Nameserver, isTcp: boolean, edns0: boolean): void {
    const { rcode, questions } = message;
    // RFC 6891, 6.2.2; a server that does not repeat the question may have failed at EDNS too
    const isEdnsUnknown = edns0 && (rcode === 'FORMERR' || rcode === 'NOTIMP' || questions.length === 0);
    if (message.isTruncated && !isTcp) this.#ask(server, true, edns0);
    else if (isEdnsUnknown) this.#ask(server, isTcp, false);
    else if (rcode === 'NOERROR' || rcode === 'NXDOMAIN') this.#settle(() => this.resolve(message));
    else {
      this.#failedServers.add(server);
      // 'ESERVFAIL' of SERVFAIL; Node has no code for the rare ones
      this.#failure ??= QUERY_CODES.find((code) => code === `E${rcode}`) ?? 'EBADRESP';
      this.#askNext();
    }
  }

  #onError(error: NodeJS.ErrnoException, server: Nameserver): void {
    this.#lastError = error;
    const isSilent = error.code === 'ETIMEDOUT';
    if (this.stack.closed) {
      this.#fail('ECANCELLED', error);
    } else if (!isSilent) {
      if (!PASSING_ERRORS.has(error.code)) this.#failedServers.add(server);
      this.#askNext();
    } else if (this.#pending === 0) {
      this.#askNext();
    }
  }

  #fail(code: QueryCode, cause: unknown): void {
    this.#settle(() => this.reject(queryError(code, this.question.type, this.question.name, cause)));
  }

  #settle(finish: () => void): void {
    clearTimeout(this.#nextTimer);
    this.#stopListening();
    this.#end.abort();
    finish();
  }
}

function codeOfSilence(code: string | undefined): QueryCode {
  return code === 'ETIMEDOUT' ? 'ETIMEOUT' : code === 'EBADMSG' ? 'EBADRESP' : 'ECONNREFUSED';
}
