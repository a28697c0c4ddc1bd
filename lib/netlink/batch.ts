import type { StackPointer } from '../../ffi/ioth.js';
import { NLM_F_ACK, type RequestName } from './constants.js';
import { failureOf, type Hints } from './failure.js';
import type { Attribute, Message } from './message.js';
import { encodeRequest, NetlinkSocket } from './netlink-socket.js';

/** A batch is sent when it has this many. Each that fails has an answer, which the socket must have room for. */
const MAX_CHANGES = 64;

/** A request whose answer is an acknowledgement. */
export interface Change {
  readonly name: RequestName;
  readonly body: Uint8Array;
  /** The flags, NLM_F_*, besides NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags: number;
  readonly attributes: readonly Attribute[] | undefined;
  readonly hints: Hints | undefined;
}

/** Requests to one stack over one socket, which its daemon would make for each. Changes that follow each other go together. */
export class Batch {
  /** The indexes of interfaces, by name. */
  readonly indexes = new Map<string, number>();
  /** What is done after all changes. */
  readonly endings: (() => void)[] = [];
  #socket: NetlinkSocket | undefined;
  #changes: Change[] = [];

  constructor(readonly stack: StackPointer) {}

  /** Adds a change, which is sent by {@link flush}. */
  add(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length === MAX_CHANGES) this.flush();
  }

  /** Returns the socket for other requests, after the changes so far. @throws {IothError} as {@link flush} */
  socketFor(name: RequestName): NetlinkSocket {
    this.flush();
    return this.#socketOf(name);
  }

  /**
   * Sends the changes. The kernel tries each of them, also after one that it refused.
   * @throws {IothError} the first failure
   */
  flush(): void {
    const changes = this.#changes.splice(0);
    const last = changes.at(-1);
    if (!last) return;
    // the kernel acknowledges what asks for it, and reports each failure
    const requests = changes.map((change) =>
      encodeRequest(
        change.name,
        change.body,
        change === last ? change.flags | NLM_F_ACK : change.flags,
        change.attributes,
      ),
    );
    const socket = this.#socketOf(last.name);
    socket.send(Buffer.concat(requests.map(({ bytes }) => bytes)));
    const seqs = requests.map(({ seq }) => seq);
    const answers = new Map<number, Message>();
    while (!answers.has(seqs.at(-1)!)) {
      for (const message of socket.receive((seq) => seqs.includes(seq))) answers.set(message.seq, message);
    }
    for (const [i, { name, hints }] of changes.entries()) {
      const answer = answers.get(seqs[i]!);
      const failure = answer && failureOf(answer, name, hints);
      if (failure) throw failure;
    }
  }

  close(): void {
    this.#socket?.close();
  }

  #socketOf(name: RequestName): NetlinkSocket {
    this.#socket ??= new NetlinkSocket(this.stack, name);
    this.#socket.name = name;
    return this.#socket;
  }
}
