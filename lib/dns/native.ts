import { ADDRINFO_SIZE, type DnsPointer, IOTHDNS_HOSTS, type Libiothdns, libiothdns } from '../../ffi/iothdns.js';
import { isDomainName } from '../address/domain-name.js';
import { familyOf, ipText } from '../address/ip.js';
import { decodeSockaddr, encodeSockaddr } from '../address/sockaddr.js';
import { AI_CANONNAME } from '../constants/netdb.js';
import { AF_INET, AF_INET6, SOCK_STREAM } from '../constants/socket.js';
import { untilAborted } from '../core/abort.js';
import { AbortError, IothError } from '../core/errors.js';
import type { NativeCallback } from '../io/async-calls.js';
import { queryError } from './errors.js';
import { type AddrInfo, type AddrInfoHints, getaddrinfo } from './getaddrinfo.js';
import { checkNameInfo, getnameinfo, type NameInfoAddress } from './getnameinfo.js';
import type { DnsRecord, Question, Reply } from './message.js';
import type { NameSources } from './name-sources.js';
import { NativeQueue } from './native-queue.js';
import type { NameProvider } from './provider.js';
import { formatResolvConf } from './resolv-conf.js';
import type { NameSettings } from './settings.js';
import type { ServicePort } from './socket-types.js';
import type { StackInterface } from './stack-interface.js';

const MAX_ADDRESSES = 64;
const NI_MAXHOST = 1025;

interface AddressList {
  addresses: string[];
  canonname: string | null;
}

/** Starts a call of C on a worker thread; `done` gets its result. */
type Start<T> = (dns: DnsPointer, done: NativeCallback<T>) => void;

/**
 * Name resolution by libiothdns on a worker thread, one call at a time. C asks the servers: iothdns_getaddrinfo,
 * iothdns_getnameinfo, iothdns_lookup_a and _aaaa. This class does what C gets wrong or lacks, like the builtin
 * provider: flags, services, the search list with ndots, the hosts file, the order of RFC 6724, EAI_ errors.
 */
export class NativeProvider implements NameProvider {
  #dns: DnsPointer | null = null;
  #isStale = true;

  /** @param sources the sources of the builtin provider; only `query` is replaced */
  constructor(
    readonly stack: StackInterface,
    readonly settings: NameSettings,
    readonly sources: NameSources,
    readonly library: Libiothdns = libiothdns(),
    readonly calls = new NativeQueue(stack),
  ) {}

  getaddrinfo(host: string | null, port: ServicePort, hints: AddrInfoHints): Promise<AddrInfo[]> {
    const sources: NameSources = {
      ...this.sources,
      query: (name, type, signal) => this.#queryAddresses(name, type === 'A' ? AF_INET : AF_INET6, hints, signal),
    };
    return getaddrinfo(sources, host, port, hints);
  }

  async getnameinfo(
    address: NameInfoAddress,
    flags: number,
    options: { signal?: AbortSignal },
  ): Promise<[string, string]> {
    const { address: ip } = checkNameInfo(address, flags);
    const sources: NameSources = { ...this.sources, query: (name, _, signal) => this.#queryName(ip, name, signal) };
    return getnameinfo(sources, address, flags, options);
  }

  async addresses(name: string, type: 'A' | 'AAAA', { signal }: { signal?: AbortSignal }): Promise<string[]> {
    if (!isDomainName(name)) throw queryError('EBADNAME', type, name);
    const size = type === 'A' ? 4 : 16;
    const bytes = Buffer.alloc(MAX_ADDRESSES * size);
    const lookup = type === 'A' ? 'lookup_a' : 'lookup_aaaa';
    const count = await this.#call<number>(
      { name, type },
      (dns, done) => this.library[lookup](dns, bareName(name), bytes, MAX_ADDRESSES, done),
      signal,
    );
    // -1 means that the name doesn't exist or that no server responds
    if (count <= 0) throw queryError(count === 0 ? 'ENODATA' : 'ENOTFOUND', type, name);
    return Array.from({ length: Math.min(count, MAX_ADDRESSES) }, (_, i) =>
      ipText(bytes.subarray(i * size, (i + 1) * size)),
    );
  }

  /** Marks the settings as changed: C gets them before the next call. */
  settingsChanged(): void {
    this.#isStale = true;
  }

  /** Waits until no call runs on the stack, then frees the library's descriptor. */
  async close(): Promise<void> {
    await this.calls.idle();
    this.#fini();
  }

  closeSync(): void {
    if (this.calls.isRunning && !this.calls.isHung) {
      throw new IothError('EBUSY', { syscall: 'ioth_delstack', hint: 'a look-up of libiothdns runs: use close()' });
    }
    this.#fini();
  }

  #fini(): void {
    if (this.#dns !== null && !this.calls.isHung) this.library.fini(this.#dns);
    this.#dns = null;
  }

  async #queryAddresses(
    name: string,
    family: number,
    { flags = 0 }: AddrInfoHints,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    const hints = Buffer.alloc(ADDRINFO_SIZE);
    new Int32Array(hints.buffer, hints.byteOffset, 3).set([flags & AI_CANONNAME, family, SOCK_STREAM]);
    const res: [bigint | null] = [null];
    const type = family === AF_INET ? 'A' : 'AAAA';
    const { addresses, canonname } = await this.#call<AddressList>(
      { name, type },
      (dns, done) =>
        this.library.getaddrinfo(dns, bareName(name), null, hints, res, (error) =>
          done(error, this.#readResults(res[0])),
        ),
      signal,
    );
    return replyOf(name, type, addresses, canonname ?? name);
  }

  /** Reads a list of results, then frees it. */
  #readResults(first: bigint | null): AddressList {
    const addresses: string[] = [];
    let canonname: string | null = null;
    for (let at = first; at; ) {
      const entry = this.library.decodeAddrinfo(at);
      canonname ??= entry.ai_canonname;
      if (entry.ai_addr) {
        const bytes = this.library.decodeBytes(entry.ai_addr, entry.ai_addrlen);
        addresses.push(decodeSockaddr(bytes, entry.ai_addrlen).address);
      }
      at = entry.ai_next;
    }
    if (first) this.library.freeaddrinfo(first);
    return { addresses, canonname };
  }

  async #queryName(address: string, reverseName: string, signal: AbortSignal | undefined): Promise<Reply> {
    const zoneIndex = (zone: string) => this.sources.zoneIndex(zone) ?? 0;
    const { bytes, length } = encodeSockaddr(familyOf(address), [address, 0], zoneIndex);
    const host = Buffer.alloc(NI_MAXHOST);
    const eai = await this.#call<number>(
      { name: reverseName, type: 'PTR' },
      (dns, done) => this.library.getnameinfo(dns, bytes, length, host, host.length, null, 0, 0, done),
      signal,
    );
    const name = eai === 0 ? host.toString('utf8', 0, Math.max(0, host.indexOf(0))) : '';
    // without a name C returns the number
    return replyOf(reverseName, 'PTR', name && familyOf(name) === 0 ? [name] : [], reverseName);
  }

  /** Runs one call of C after the earlier ones. An abort ends the wait, not the call. */
  #call<T>({ name, type }: Question, start: Start<T>, signal: AbortSignal | undefined): Promise<T> {
    const result = this.calls.enqueue(async () => {
      if (signal?.aborted) throw new AbortError(signal.reason);
      if (this.stack.closed) throw queryError('ECANCELLED', type, name);
      try {
        const dns = await this.#ready();
        return await this.calls.run<T>((done) => start(dns, done));
      } catch (error) {
        throw queryError(this.stack.closed ? 'ECANCELLED' : 'ETIMEOUT', type, name, error);
      }
    });
    return untilAborted(result, signal);
  }

  /** Returns the library's descriptor, with the current settings. */
  async #ready(): Promise<DnsPointer> {
    if (this.#dns !== null && !this.#isStale) return this.#dns;
    this.#isStale = false;
    const config = Buffer.from(`${formatResolvConf(this.settings.conf)}\0`);
    const dns = this.#dns ?? this.library.init_strcfg(this.stack.pointer('iothdns_init'), config);
    if (dns === null) throw new IothError('ENOMEM', { syscall: 'iothdns_init_strcfg' });
    if (this.#dns !== null) await this.calls.run<number>((done) => this.library.update_strcfg(dns, config, done));
    this.#dns = dns;
    await this.calls.run<void>((done) => this.library.setpath(dns, IOTHDNS_HOSTS, this.settings.hostsPath, done));
    return dns;
  }
}

/** Removes the last dot of a name: C takes names without it, and the root as ''. */
function bareName(name: string): string {
  return name.replace(/\.$/, '');
}

function replyOf(name: string, type: 'A' | 'AAAA' | 'PTR', data: string[], canonicalName: string): Reply {
  const records = data.map((one): DnsRecord => ({ type, name, data: one, ttl: 0, class: 'IN' }));
  const status = records.length > 0 ? 'found' : 'nxdomain';
  return { status, records, canonicalName, ttl: 0, isOpenEnded: false };
}
