import koffi, { type TypeObject } from 'koffi';
import type { StackPointer } from './ioth.js';
import { loadLibrary } from './loader.js';

/** `struct iothdns *`: an address, as koffi returns it. */
export type DnsPointer = bigint;

/** `struct addrinfo`, as koffi decodes it. */
export interface CAddrinfo {
  ai_flags: number;
  ai_family: number;
  ai_socktype: number;
  ai_protocol: number;
  ai_addrlen: number;
  ai_addr: bigint | null;
  ai_canonname: string | null;
  ai_next: bigint | null;
}

type Buf = Uint8Array;
type Result<T> = (error: Error | null, result: T) => void;
type Spec = string | TypeObject;

/** `sizeof(struct addrinfo)` on 64-bit Linux. */
export const ADDRINFO_SIZE = 48;
/** The tag of the hosts file in `setpath`. */
export const IOTHDNS_HOSTS = 0;

/**
 * The functions of libiothdns 0.1.2 that ioth uses; see iothdns.h. A function whose last argument is a callback runs on a
 * worker thread. A mutex in the struct lets one query through at a time.
 */
export interface Libiothdns {
  /** Changes the text: cuts up a list of addresses in place. */
  init_strcfg(stack: StackPointer, config: Buf): DnsPointer | null;
  /** Waits for the running query. */
  update_strcfg(dns: DnsPointer, config: Buf, callback: Result<number>): void;
  /** Waits for the running query. */
  setpath(dns: DnsPointer, tag: number, path: string, callback: Result<void>): void;
  fini(dns: DnsPointer): void;
  getaddrinfo(
    dns: DnsPointer,
    node: string | null,
    service: string | null,
    hints: Buf,
    res: [bigint | null],
    callback: Result<number>,
  ): void;
  /** Decodes one entry of a list; {@link decodeBytes} returns the bytes of its address. */
  decodeAddrinfo(res: bigint): CAddrinfo;
  decodeBytes(pointer: bigint, length: number): Uint8Array;
  freeaddrinfo(res: bigint): void;
  getnameinfo(
    dns: DnsPointer,
    addr: Buf,
    addrlen: number,
    host: Buf,
    hostlen: number,
    serv: Buf | null,
    servlen: number,
    flags: number,
    callback: Result<number>,
  ): void;
  lookup_a(dns: DnsPointer, name: string, addresses: Buf, max: number, callback: Result<number>): void;
  lookup_aaaa(dns: DnsPointer, name: string, addresses: Buf, max: number, callback: Result<number>): void;
}

let library: Libiothdns | undefined;

/**
 * Returns libiothdns, which is loaded at the first call.
 * @throws {LibraryNotFoundError} if it is not installed
 */
export function libiothdns(): Libiothdns {
  library ??= bind();
  return library;
}

function bind(): Libiothdns {
  const lib = loadLibrary('iothdns');
  const addrinfo = koffi.struct({
    ai_flags: 'int',
    ai_family: 'int',
    ai_socktype: 'int',
    ai_protocol: 'int',
    ai_addrlen: 'uint32_t',
    ai_addr: 'void *',
    ai_canonname: 'const char *',
    ai_next: 'void *',
  });
  const dns = 'void *';
  const buf = 'void *';
  const text = 'const char *';
  const func = (name: string, result: string, args: Spec[]) => lib.func(`iothdns_${name}`, result, args);
  const res = koffi.out(koffi.pointer('void *')) as unknown as Spec;
  return {
    init_strcfg: func('init_strcfg', 'void *', ['void *', buf]),
    update_strcfg: func('update_strcfg', 'int', [dns, buf]).async,
    setpath: func('setpath', 'void', [dns, 'int', text]).async,
    fini: func('fini', 'void', [dns]),
    getaddrinfo: func('getaddrinfo', 'int', [dns, text, text, buf, res]).async,
    decodeAddrinfo: (pointer) => koffi.decode(pointer, addrinfo),
    decodeBytes: (pointer, length) => koffi.decode(pointer, koffi.array('uint8_t', length, 'Typed')),
    freeaddrinfo: func('freeaddrinfo', 'void', ['void *']),
    getnameinfo: func('getnameinfo', 'int', [dns, buf, 'uint32_t', buf, 'uint32_t', buf, 'uint32_t', 'int']).async,
    lookup_a: func('lookup_a', 'int', [dns, text, buf, 'int']).async,
    lookup_aaaa: func('lookup_aaaa', 'int', [dns, text, buf, 'int']).async,
  };
}
