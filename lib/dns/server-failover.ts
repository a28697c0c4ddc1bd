import { type QueryCode, queryError } from './errors.js';
import type { DnsMessage, Question } from './message.js';
import type { NameHost } from './provider.js';
import type { Nameserver } from './resolv-conf.js';
import { askTcp, askUdp, type Exchange } from './transport.js';

/** Whom to ask, how often and for how long. */
export interface AskOptions {
  /** In the order in which they are asked. */
  servers: readonly Nameserver[];
  /** Milliseconds that each has for an answer. */
  timeout: number;
  /** How often the whole list is asked. */
  attempts: number;
  useVc: boolean;
  edns0: boolean;
  signal: AbortSignal;
}

/** Answers that another server may better. */
const FAILURES: Record<string, QueryCode> = {
  SERVFAIL: 'ESERVFAIL',
  REFUSED: 'EREFUSED',
  NOTIMP: 'ENOTIMP',
  FORMERR: 'EFORMERR',
};

/**
 * Asks the servers until one knows: an answer with records, an empty one, or that the name doesn't exist.
 *
 * A server that fails, or is out of reach, passes the question on at once. One that is silent keeps it for its share of
 * the timeout; then the next is asked too, and the first answer of any counts. So a dead first server costs a part of its
 * timeout, and a slow one is still heard.
 * @throws {DnsError} ETIMEOUT, ESERVFAIL, EREFUSED, ECONNREFUSED, …; the signal's reason after an abort
 */
export function askServers(host: NameHost, question: Question, options: AskOptions): Promise<DnsMessage> {
  const { servers, timeout, attempts, signal } = options;
  const fail = (code: QueryCode, cause?: unknown) => queryError(code, question.type, question.name, cause);
  if (servers.length === 0) return Promise.reject(fail('ECONNREFUSED'));
  const share = timeout / servers.length;
  const plan = Array.from({ length: attempts }, () => servers).flat();
  const failedServers = new Set<Nameserver>();
  const open = new Set<Exchange>();

  return new Promise<DnsMessage>((resolve, reject) => {
    let next = 0;
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    let failure: QueryCode | undefined;
    let lastError: unknown;

    const settle = (finish: () => void) => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      for (const exchange of open) exchange.cancel();
      finish();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const askNext = () => {
      clearTimeout(timer);
      while (next < plan.length && failedServers.has(plan[next] as Nameserver)) next++;
      const server = plan[next++];
      if (server === undefined) {
        if (open.size === 0) settle(() => reject(fail(failure ?? codeOfSilence(lastError), lastError)));
        return;
      }
      timer = setTimeout(askNext, share);
      ask(server);
    };
    const ask = (server: Nameserver, isTcp = options.useVc, edns0 = options.edns0) => {
      const exchange = (isTcp ? askTcp : askUdp)(host, server, question, { timeout, edns0 });
      open.add(exchange);
      exchange.answer
        .then(
          (message) => {
            open.delete(exchange);
            if (settled) return;
            if (message.isTruncated && !isTcp) return ask(server, true, edns0);
            // RFC 6891, 6.2.2: it doesn't know EDNS
            if (edns0 && (message.rcode === 'FORMERR' || message.rcode === 'NOTIMP')) return ask(server, isTcp, false);
            if (message.rcode === 'NOERROR' || message.rcode === 'NXDOMAIN') return settle(() => resolve(message));
            failedServers.add(server);
            failure ??= FAILURES[message.rcode] ?? 'EBADRESP';
            askNext();
          },
          (error: unknown) => {
            open.delete(exchange);
            if (settled) return;
            if (host.closed) return settle(() => reject(fail('ECANCELLED', error)));
            lastError = error;
            if (codeOf(error) !== 'ETIMEDOUT') failedServers.add(server);
            if (codeOf(error) !== 'ETIMEDOUT' || open.size === 0) askNext();
          },
        )
        .catch((error: unknown) => settle(() => reject(error)));
    };

    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    askNext();
  });
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

function codeOfSilence(error: unknown): QueryCode {
  const code = codeOf(error);
  return code === 'ETIMEDOUT' ? 'ETIMEOUT' : code === 'EBADMSG' || code === 'ECONNRESET' ? 'EBADRESP' : 'ECONNREFUSED';
}
