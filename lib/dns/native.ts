import { ADDRINFO_SIZE, type DnsPointer, IOTHDNS_HOSTS, type Libiothdns, libiothdns } from '../../ffi/iothdns.js';
import { ipText, ipVersion } from '../address/ip.js';
import { decodeSockaddr, encodeSockaddr } from '../address/sockaddr.js';
import { AF_INET, AF_INET6, AI_CANONNAME, SOCK_STREAM } from '../constants/index.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import { type NativeStart, runNativeAsync } from '../io/async-calls.js';
import { queryError } from './errors.js';
import { type AddrInfo, type AddrInfoHints, getaddrinfo, type NameSources } from './getaddrinfo.js';
import { checkNameInfo, getnameinfo, type NameInfoAddress } from './getnameinfo.js';
import type { DnsRecord, Question, Reply } from './message.js';
import type { NameHost, NameProvider } from './provider.js';
import { formatResolvConf } from './resolv-conf.js';
import type { NameSettings } from './settings.js';
import type { ServicePort } from './socket-types.js';

/**
 * Milliseconds that C has for one call: it waits a second for each of three servers. Past it the worker thread hangs in
 * C (a compression loop in an answer does that), and nothing more is asked of the library.
 */
const CALL_LIMIT = 10_000;
const MAX_ADDRESSES = 64;
const NI_MAXHOST = 1025;

/** Starts a call of C on a worker thread; `done` gets its result. */
type Start<T> = (dns: DnsPointer, done: (error: Error | null, result: T) => void) => void;

/**
 * Names resolved by libiothdns on a worker thread, one call at a time. C does what asks the servers: iothdns_getaddrinfo,
 * iothdns_getnameinfo, iothdns_lookup_a and _aaaa. What it gets wrong or lacks is done here, as for the builtin
 * provider: flags, services, the search list with ndots, the hosts file, the order of RFC 6724, EAI_ errors.
 */
export class NativeProvider implements NameProvider {
  readonly name = 'native';
  readonly #c: Libiothdns;
  readonly #host: NameHost;
  readonly #settings: NameSettings;
  readonly #sources: NameSources;
  #dns: DnsPointer | null = null;
  #isStale = true;
  #tail: Promise<unknown> = Promise.resolve();
  /** The calls that C works on, with the memory that it writes to. */
  readonly #running = new Set<unknown>();
  #hung = false;

  /** @param sources as of the builtin provider: only `query` is replaced */
  constructor(host: NameHost, settings: NameSettings, sources: NameSources, library: Libiothdns = libiothdns()) {
    this.#host = host;
    this.#settings = settings;
    this.#sources = sources;
    this.#c = library;
  }

  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]> {
    const sources: NameSources = {
      ...this.#sources,
      query: (name, type, signal) => this.#lookUp(name, type === 'A' ? AF_INET : AF_INET6, hints.flags ?? 0, signal),
    };
    return getaddrinfo(sources, host, port, hints);
  }

  async getnameinfo(
    address: NameInfoAddress,
    flags: number,
    options: { signal?: AbortSignal },
  ): Promise<[string, string]> {
    const { address: ip } = checkNameInfo(address, flags);
    const sources: NameSources = { ...this.#sources, query: (name, _, signal) => this.#nameOf(ip, name, signal) };
    return getnameinfo(sources, address, flags, options);
  }

  async addresses(name: string, type: 'A' | 'AAAA', { signal }: { signal?: AbortSignal }): Promise<string[]> {
    const size = type === 'A' ? 4 : 16;
    const bytes = Buffer.alloc(MAX_ADDRESSES * size);
    const lookup = type === 'A' ? 'lookup_a' : 'lookup_aaaa';
    const count = await this.#call<number>(
      { name, type },
      (dns, done) => this.#c[lookup](dns, bareName(name), bytes, MAX_ADDRESSES, done),
      signal,
    );
    // -1 stands for a name that doesn't exist and for servers that don't answer
    if (count <= 0) throw queryError(count === 0 ? 'ENODATA' : 'ENOTFOUND', type, name);
    return Array.from({ length: Math.min(count, MAX_ADDRESSES) }, (_, i) =>
      ipText(bytes.subarray(i * size, (i + 1) * size)),
    );
  }

  /** The settings changed: C hears of it before the next call. */
  settingsChanged(): void {
    this.#isStale = true;
  }

  /** Settles when nothing of it runs on the stack any more. */
  async close(): Promise<void> {
    if (!this.#hung) await this.#tail;
    this.#fini();
  }

  /** @throws {IothError} EBUSY where a call of C still runs */
  closeSync(): void {
    if (this.#running.size > 0 && !this.#hung) {
      throw new IothError('EBUSY', { syscall: 'ioth_delstack', hint: 'a look-up of libiothdns runs: use close()' });
    }
    this.#fini();
  }

  #fini(): void {
    if (this.#dns !== null && !this.#hung) this.#c.fini(this.#dns);
    this.#dns = null;
  }

  async #lookUp(name: string, family: number, flags: number, signal: AbortSignal | undefined): Promise<Reply> {
    const hints = Buffer.alloc(ADDRINFO_SIZE);
    new Int32Array(hints.buffer, hints.byteOffset, 3).set([flags & AI_CANONNAME, family, SOCK_STREAM]);
    const res: [bigint | null] = [null];
    let found: { addresses: string[]; canonname: string | null } = { addresses: [], canonname: null };
    const type = family === AF_INET ? 'A' : 'AAAA';
    await this.#call<number>(
      { name, type },
      (dns, done) =>
        this.#c.getaddrinfo(dns, bareName(name), null, hints, res, (error, result) => {
          if (res[0]) found = this.#take(res[0]);
          done(error, result);
        }),
      signal,
    );
    return replyOf(name, type, found.addresses, found.canonname ?? name);
  }

  /** Reads a list of results and frees it. */
  #take(first: bigint): { addresses: string[]; canonname: string | null } {
    const addresses: string[] = [];
    let canonname: string | null = null;
    for (let at: bigint | null = first; at; ) {
      const entry = this.#c.decodeAddrinfo(at);
      canonname ??= entry.ai_canonname;
      if (entry.ai_addr) {
        addresses.push(decodeSockaddr(this.#c.decodeBytes(entry.ai_addr, entry.ai_addrlen), entry.ai_addrlen).address);
      }
      at = entry.ai_next;
    }
    this.#c.freeaddrinfo(first);
    return { addresses, canonname };
  }

  async #nameOf(address: string, reverseName: string, signal: AbortSignal | undefined): Promise<Reply> {
    const family = ipVersion(address) === 4 ? AF_INET : AF_INET6;
    const { bytes, length } = encodeSockaddr(family, [address, 0], (zone) => this.#sources.zoneIndex(zone) ?? 0);
    const host = Buffer.alloc(NI_MAXHOST);
    const eai = await this.#call<number>(
      { name: reverseName, type: 'PTR' },
      (dns, done) => this.#c.getnameinfo(dns, bytes, length, host, host.length, null, 0, 0, done),
      signal,
    );
    const name = eai === 0 ? host.toString('utf8', 0, Math.max(0, host.indexOf(0))) : '';
    // where there is no name it gives the number back
    return replyOf(reverseName, 'PTR', name && ipVersion(name) === 0 ? [name] : [], reverseName);
  }

  /** Runs one call of C when those before it are done. An abort ends the wait, not the call. */
  #call<T>({ name, type }: Question, start: Start<T>, signal: AbortSignal | undefined): Promise<T> {
    const result = this.#tail.then(async () => {
      if (signal?.aborted) throw new AbortError(signal.reason);
      if (this.#host.closed) throw queryError('ECANCELLED', type, name);
      try {
        const dns = await this.#ready();
        return await this.#limited<T>((done) => start(dns, done));
      } catch (error) {
        throw queryError(this.#host.closed ? 'ECANCELLED' : 'ETIMEOUT', type, name, error);
      }
    });
    this.#tail = result.catch(() => {});
    return untilAborted(result, signal);
  }

  /** The library's descriptor, with the settings as they are now. */
  async #ready(): Promise<DnsPointer> {
    if (this.#dns !== null && !this.#isStale) return this.#dns;
    this.#isStale = false;
    const config = () => Buffer.from(`${formatResolvConf({ ...this.#settings.conf, search: [] })}\0`);
    if (this.#dns === null) {
      this.#dns = this.#c.init_strcfg(this.#host.pointer('iothdns_init'), config());
      if (this.#dns === null) throw new IothError('ENOMEM', { syscall: 'iothdns_init_strcfg' });
    } else {
      const dns = this.#dns;
      await this.#limited<number>((done) => this.#c.update_strcfg(dns, config(), done));
    }
    const dns = this.#dns;
    await this.#limited<void>((done) => this.#c.setpath(dns, IOTHDNS_HOSTS, this.#settings.path('hosts'), done));
    return dns;
  }

  /** A call of C, with the time that it has once it began. */
  #limited<T>(start: NativeStart<T>): Promise<T> {
    if (this.#hung) {
      throw new IothError('ETIMEDOUT', {
        syscall: 'iothdns',
        hint: 'libiothdns hangs in an earlier call: IOTH_DNS=builtin',
      });
    }
    this.#running.add(start);
    const endNativeCall = this.#host.beginNativeCall();
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const hang = () => {
        this.#hung = true;
        reject(new IothError('ETIMEDOUT', { syscall: 'iothdns', hint: 'libiothdns does not return' }));
      };
      const call = runNativeAsync<T>((done) => {
        // the stack may have been closed while this waited for a thread
        if (this.#host.closed) throw new IothError('ECANCELED', { syscall: 'iothdns' });
        timer = setTimeout(hang, CALL_LIMIT);
        start(done);
      }, 'slow');
      call
        .finally(() => {
          clearTimeout(timer);
          this.#running.delete(start);
          endNativeCall();
        })
        .then(({ result }) => resolve(result), reject);
    });
  }
}

/** C knows the root only as '' and names only without a last dot. */
function bareName(name: string): string {
  return name.replace(/\.$/, '');
}

function replyOf(name: string, type: 'A' | 'AAAA' | 'PTR', data: string[], canonicalName: string): Reply {
  const records = data.map((one): DnsRecord => ({ type, name, data: one, ttl: 0, class: 'IN' }));
  const status = records.length > 0 ? 'found' : 'nxdomain';
  return { status, records, canonicalName, ttl: 0, isOpenEnded: false };
}
