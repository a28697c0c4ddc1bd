import { randomBytes } from 'node:crypto';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Address } from '../address/sockaddr.js';
import { AF_INET, AF_INET6, SOCK_DGRAM } from '../constants/socket.js';
import { onAbort } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import {
  checkInteger,
  checkMilliseconds,
  checkOptions,
  checkSignal,
  checkString,
  invalidType,
  invalidValue,
} from '../core/validate.js';
import type { StackInterface } from '../dns/stack-interface.js';
import { type EchoReply, PingSocket } from './socket.js';

/** Options of {@link Stack.ping}. */
export interface PingOptions {
  /** The number of requests to send: 1 to 65535. Default 4. */
  count?: number;
  /** Milliseconds from one request to the next. Default 1000. */
  interval?: number;
  /** Milliseconds to wait for each reply. Default 2000. */
  timeout?: number;
  /** Bytes of data in each request: 0 to 65507. Default 56. */
  size?: number;
  /** The time to live, or hop limit: 1 to 255. Default: that of the stack. */
  ttl?: number;
  /** 4 or 6: the family to resolve a name to. Default: the first address that getaddrinfo gives. */
  family?: 4 | 6;
  /** Called with each request when it is over: answered, reported as an error, or timed out. */
  onProbe?: (probe: PingProbe) => void;
  /** Aborts the ping: the promise is rejected with an AbortError. */
  signal?: AbortSignal;
}

/** One request, and its result. */
export interface PingProbe {
  /** The number of the request, from 1. */
  readonly seq: number;
  /** The address of the host that answered, or that reported an error; null for none. */
  readonly address: string | null;
  /** The time from the request to its answer, in milliseconds, with fractions; null without an answer. */
  readonly time: number | null;
  /** The bytes of the answer, with its ICMP header; null without an answer. */
  readonly bytes: number | null;
  /** The time to live, or hop limit, of the answer; null if it is not known. */
  readonly ttl: number | null;
  /** The reason if there is no answer: ETIMEDOUT; EHOSTUNREACH, ENETUNREACH and others that the network or the stack reported. */
  readonly error?: IothError;
}

/** The result of {@link Stack.ping}. */
export interface PingResult {
  /** The host as given. */
  readonly host: string;
  /** The address of the host. */
  readonly address: string;
  readonly transmitted: number;
  readonly received: number;
  /** The fraction of the requests without an answer: 0 for none, 1 for all. */
  readonly loss: number;
  /** The times of the answers, in milliseconds, in the order of their requests. */
  readonly times: number[];
  /** The minimum, average, maximum and standard deviation (`mdev`) of the times, in milliseconds; null without an answer. */
  readonly min: number | null;
  readonly avg: number | null;
  readonly max: number | null;
  readonly mdev: number | null;
  /** All requests. */
  readonly probes: PingProbe[];
}

type Settings = Required<Pick<PingOptions, 'count' | 'interval' | 'timeout' | 'size'>> & PingOptions;

const NAMES = ['count', 'interval', 'timeout', 'size', 'ttl', 'family', 'onProbe', 'signal'] as const;
const MAX_COUNT = 0xffff;
const MAX_SIZE = 65_507;

/** Pings a host with ICMP echo. */
export async function ping(stack: StackInterface, host: string, options?: PingOptions): Promise<PingResult> {
  const settings = checkPing(host, options);
  const { signal } = settings;
  const family = settings.family === undefined ? 0 : settings.family === 4 ? AF_INET : AF_INET6;
  const [info] = await stack.getaddrinfo(host, null, family, SOCK_DGRAM, 0, 0, { signal });
  if (!info) throw new Error('getaddrinfo gives an address or fails');
  if (signal?.aborted) throw new AbortError(signal.reason);
  const socket = new PingSocket(stack, info.family, randomBytes(settings.size), settings.ttl);
  try {
    const probes = await new Ping(socket, stack, info.sockaddr, settings).run();
    return summary(host, textOf(info.sockaddr, stack), probes);
  } finally {
    socket.close();
  }
}

/** The requests in flight, until all are over. */
class Ping {
  readonly #pending = new Map<number, { sentAt: number; timer: NodeJS.Timeout }>();
  readonly #probes: PingProbe[] = [];
  readonly #ended = new AbortController();
  #finish: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(
    readonly socket: PingSocket,
    readonly stack: StackInterface,
    readonly to: Address,
    readonly settings: Settings,
  ) {}

  async run(): Promise<PingProbe[]> {
    const { signal } = this.settings;
    const over = new Promise<void>((resolve, reject) => {
      [this.#finish, this.#fail] = [resolve, reject];
    });
    const stopListening = signal && onAbort(signal, () => this.#fail(new AbortError(signal.reason)));
    this.#receive().catch((error) => this.#fail(error));
    this.#transmit().catch((error) => this.#fail(error));
    try {
      await over;
    } finally {
      stopListening?.();
      this.#ended.abort();
      for (const { timer } of this.#pending.values()) clearTimeout(timer);
    }
    return this.#probes.sort((a, b) => a.seq - b.seq);
  }

  async #receive(): Promise<void> {
    while (!this.#ended.signal.aborted) this.#onReply(await this.socket.receive());
  }

  async #transmit(): Promise<void> {
    const { count, interval } = this.settings;
    const { signal } = this.#ended;
    for (let seq = 1; seq <= count && !signal.aborted; seq++) {
      await this.#send(seq);
      if (seq === count) return;
      // an abort of the pause is not a failure of its own
      await (interval === 0 ? nextTurn() : delay(interval, undefined, { signal }).catch(() => {}));
    }
  }

  async #send(seq: number): Promise<void> {
    const { timeout } = this.settings;
    const late = () =>
      this.#settle({
        ...NO_ANSWER,
        seq,
        error: this.#error('ETIMEDOUT', `no reply in ${timeout} ms${this.#isWithoutLoopback() ? LO_IS_DOWN : ''}`),
      });
    this.#pending.set(seq, { sentAt: performance.now(), timer: setTimeout(late, timeout) });
    try {
      try {
        await this.socket.send(seq, this.to);
      } catch (error) {
        // the error may be about an earlier request: then it is in the error queue too
        const earlier = this.socket.takeError();
        if (!earlier) throw error;
        this.#onReply(earlier);
        await this.socket.send(seq, this.to);
      }
    } catch (error) {
      const { code } = error as IothError;
      if (!(error instanceof IothError) || ['ECANCELED', 'EBADF', 'ERR_STACK_DEAD'].includes(code)) throw error;
      this.#settle({ ...NO_ANSWER, seq, error });
    }
  }

  #onReply({ seq, from, bytes, ttl, failure }: EchoReply): void {
    const sentAt = this.#pending.get(seq)?.sentAt;
    // a second answer, or a late one
    if (sentAt === undefined) return;
    const address = from && textOf(from, this.stack);
    if (failure) this.#settle({ ...NO_ANSWER, seq, address, error: this.#error(failure.code, failure.hint) });
    else this.#settle({ seq, address, time: performance.now() - sentAt, bytes, ttl });
  }

  #settle(probe: PingProbe): void {
    const sent = this.#pending.get(probe.seq);
    if (!sent) return;
    clearTimeout(sent.timer);
    this.#pending.delete(probe.seq);
    this.#probes.push(probe);
    try {
      this.settings.onProbe?.(probe);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#probes.length === this.settings.count) this.#finish();
  }

  /**
   * Returns whether `lo` is down. Without it a stack does not reach its own addresses, and gets no report of an unreachable host.
   */
  #isWithoutLoopback(): boolean {
    try {
      return this.stack.interfaces().some(({ name, up }) => name === 'lo' && !up);
    } catch {
      // the stack is gone
      return false;
    }
  }

  #error(code: string, hint?: string): IothError {
    return new IothError(code, { syscall: 'ping', address: textOf(this.to, this.stack), hint });
  }
}

/** Returns the address as text, with the name of its interface if it is link-local. */
function textOf({ address, scopeid }: Address, stack: StackInterface): string {
  if (!scopeid) return address;
  try {
    return `${address}%${stack.if_indextoname(scopeid)}`;
  } catch {
    // the interface is gone
    return `${address}%${scopeid}`;
  }
}

const LO_IS_DOWN = "; its own addresses answer once lo is up: linksetupdown('lo', true)";
const NO_ANSWER = { address: null, time: null, bytes: null, ttl: null } as const;

function summary(host: string, address: string, probes: PingProbe[]): PingResult {
  const times = probes.flatMap(({ time }) => time ?? []);
  const [transmitted, received] = [probes.length, times.length];
  const avg = received === 0 ? null : times.reduce((sum, time) => sum + time, 0) / received;
  const squares = avg === null ? 0 : times.reduce((sum, time) => sum + (time - avg) ** 2, 0) / received;
  return {
    host,
    address,
    transmitted,
    received,
    loss: (transmitted - received) / transmitted,
    times,
    min: avg === null ? null : Math.min(...times),
    avg,
    max: avg === null ? null : Math.max(...times),
    mdev: avg === null ? null : Math.sqrt(squares),
    probes,
  };
}

function checkPing(host: unknown, given: PingOptions | undefined): Settings {
  if (checkString('host', host) === '') throw invalidValue('host', 'a name or an address', host);
  const options = checkOptions(given, NAMES);
  const { count = 4, interval = 1000, timeout = 2000, size = 56, ttl, family, onProbe } = options;
  checkInteger('options.count', count, 1, MAX_COUNT);
  checkMilliseconds('options.interval', interval);
  checkMilliseconds('options.timeout', timeout, 1);
  checkInteger('options.size', size, 0, MAX_SIZE);
  if (ttl !== undefined) checkInteger('options.ttl', ttl, 1, 255);
  if (family !== undefined && family !== 4 && family !== 6) throw invalidValue('options.family', '4 or 6', family);
  if (onProbe !== undefined && typeof onProbe !== 'function') {
    throw invalidType('options.onProbe', 'a function', onProbe);
  }
  return { ...options, count, interval, timeout, size, signal: checkSignal(options.signal) };
}
