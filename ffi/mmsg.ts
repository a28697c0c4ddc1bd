import { endianness } from 'node:os';
import koffi from 'koffi';

/** The words of a `struct mmsghdr` where pointers have 64 bits: a `struct msghdr` of 56 bytes, unsigned int msg_len. */
const HEADER_WORDS = 8;
const HEADER_UINTS = 2 * HEADER_WORDS;
const [IOV_WORD, IOVLEN_WORD, LENGTH_UINT] = [2, 3, 14];
/** The words of a `struct iovec`: base, length. The length is below 2 ** 32. */
const IOVEC_WORDS = 2;
const IOVEC_UINTS = 2 * IOVEC_WORDS;
const IOVEC_LENGTH_UINT = endianness() === 'LE' ? 2 : 3;

interface Calls {
  recvmmsg(fd: number, messages: Uint32Array, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: bigint, count: number, flags: number): number;
}

let calls: Calls | undefined;

function bind(): Calls {
  const lib = koffi.load(null);
  return {
    recvmmsg: lib.func('recvmmsg', 'int', ['int', 'void *', 'uint', 'int', 'void *']),
    sendmmsg: lib.func('sendmmsg', 'int', ['int', 'void *', 'uint', 'int']),
  };
}

/** Messages for recvmmsg(2) or sendmmsg(2), each with memory of its own for its bytes. They have no address. */
export class Messages {
  /** The bytes of each message. */
  readonly bytes: readonly Buffer[];
  readonly #headers: Uint32Array;
  readonly #iovecs: Uint32Array;
  readonly #address: bigint;
  readonly #calls: Calls;

  /** @param count how many messages @param size the most bytes of one */
  constructor(
    readonly count: number,
    readonly size: number,
  ) {
    calls ??= bind();
    this.#calls = calls;
    const memory = Buffer.allocUnsafeSlow(count * size);
    this.bytes = Array.from({ length: count }, (_, i) => memory.subarray(i * size, (i + 1) * size));
    const words = new BigUint64Array(count * HEADER_WORDS);
    this.#headers = new Uint32Array(words.buffer);
    const iovecs = new BigUint64Array(count * IOVEC_WORDS);
    this.#iovecs = new Uint32Array(iovecs.buffer);
    this.#address = koffi.address(words);
    const [base, firstIovec] = [koffi.address(memory), koffi.address(iovecs)];
    for (let i = 0; i < count; i++) {
      words[i * HEADER_WORDS + IOV_WORD] = firstIovec + BigInt(i * IOVEC_WORDS * 8);
      words[i * HEADER_WORDS + IOVLEN_WORD] = 1n;
      iovecs[i * IOVEC_WORDS] = base + BigInt(i * size);
      iovecs[i * IOVEC_WORDS + 1] = BigInt(size);
    }
  }

  /** Calls recvmmsg(2). Returns how many messages came; -1 on failure. */
  receive(fd: number, flags: number): number {
    return this.#calls.recvmmsg(fd, this.#headers, this.count, flags, null);
  }

  /** The number of bytes of a message that came. */
  lengthOf(i: number): number {
    return this.#headers[i * HEADER_UINTS + LENGTH_UINT]!;
  }

  /** Sets the number of bytes of a message to send. */
  setLength(i: number, length: number): void {
    this.#iovecs[i * IOVEC_UINTS + IOVEC_LENGTH_UINT] = length;
  }

  /** Calls sendmmsg(2) for the messages from `first` on. Returns how many were sent; -1 if the first one was not. */
  send(fd: number, first: number, count: number, flags: number): number {
    return this.#calls.sendmmsg(fd, this.#address + BigInt(first * HEADER_UINTS * 4), count, flags);
  }
}
