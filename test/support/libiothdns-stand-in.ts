import { ADDRINFO_SIZE, type CAddrinfo, type Libiothdns } from '../../ffi/iothdns.js';

type Done<T> = (error: Error | null, result: T) => void;

const ALIASED = 100n;

/**
 * LIBIOTHDNS STAND-IN: the object that ffi gives of the library, without the library. It knows 'a.test' with 10.5.0.9 and
 * fd05::9, the name of 10.5.0.9, and 'www.test', an alias of 'a.test' whose list has an entry without an address, too.
 * Each call takes `pause` milliseconds.
 */
export class LibiothdnsStandIn implements Libiothdns {
  pause = 1;
  running = 0;
  most = 0;
  calls = 0;
  open = 0;
  freed = 0;
  hasMemory = true;
  /** What it was configured with, in order. */
  readonly configs: string[] = [];
  readonly paths: string[] = [];

  init_strcfg(_stack: unknown, config: Uint8Array): bigint | null {
    this.configs.push(Buffer.from(config).toString());
    if (!this.hasMemory) return null;
    this.open++;
    return 1n;
  }
  fini(): void {
    this.open--;
  }
  update_strcfg(_dns: bigint, config: Uint8Array, done: Done<number>): void {
    this.configs.push(Buffer.from(config).toString());
    done(null, 0);
  }
  setpath(_dns: bigint, _tag: number, path: string, done: Done<void>): void {
    this.paths.push(path);
    done(null, undefined);
  }

  getaddrinfo(
    _dns: bigint,
    node: string | null,
    _service: string | null,
    hints: Uint8Array,
    res: [bigint | null],
    done: Done<number>,
  ): void {
    expect(hints).toHaveLength(ADDRINFO_SIZE);
    const family = new Int32Array(hints.buffer, hints.byteOffset, 2)[1];
    this.#later(done, () => {
      res[0] = node === 'a.test' ? BigInt(family ?? 0) : node === 'www.test' ? ALIASED : null;
      return 0;
    });
  }
  decodeAddrinfo(res: bigint): CAddrinfo {
    if (res === ALIASED) {
      return { ...this.decodeAddrinfo(2n), ai_addr: null, ai_canonname: 'a.test', ai_next: 2n };
    }
    const family = Number(res);
    const base = { ai_flags: 0, ai_family: family, ai_socktype: 1, ai_protocol: 6 };
    return { ...base, ai_addrlen: family === 2 ? 16 : 28, ai_addr: res, ai_canonname: null, ai_next: null };
  }
  decodeBytes(pointer: bigint, length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    bytes.writeInt16LE(Number(pointer));
    if (pointer === 2n) bytes.set([10, 5, 0, 9], 4);
    else bytes.set([0xfd, 5, ...new Array(13).fill(0), 9], 8);
    return bytes;
  }
  freeaddrinfo(): void {
    this.freed++;
  }

  getnameinfo(
    _dns: bigint,
    address: Uint8Array,
    _length: number,
    host: Uint8Array,
    _hostlen: number,
    _serv: Uint8Array | null,
    _servlen: number,
    _flags: number,
    done: Done<number>,
  ): void {
    const isKnown = Buffer.from([10, 5, 0, 9]).equals(address.subarray(4, 8));
    this.#later(done, () => {
      Buffer.from(isKnown ? 'a.test\0' : '10.5.0.1\0').copy(host);
      return 0;
    });
  }
  lookup_a(_dns: bigint, name: string, addresses: Uint8Array, _most: number, done: Done<number>): void {
    this.#later(done, () => {
      addresses.set([10, 5, 0, 9]);
      return name === 'a.test' ? 1 : -1;
    });
  }
  lookup_aaaa(_dns: bigint, _name: string, _addresses: Uint8Array, _most: number, done: Done<number>): void {
    this.#later(done, () => 0);
  }

  #later(done: Done<number>, work: () => number): void {
    this.calls++;
    this.most = Math.max(this.most, ++this.running);
    setTimeout(() => {
      this.running--;
      done(null, work());
    }, this.pause);
  }
}
