/** Requests and dumps. They are synchronous, and have a timeout. */

import type { StackPointer } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import { Batch } from './batch.js';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, type RequestName } from './constants.js';
import { failureOf, type Hints } from './failure.js';
import type { Attribute, Message } from './message.js';
import { encodeRequest, type NetlinkSocket } from './netlink-socket.js';

/** The most attempts of a dump, which starts again when the configuration changes under it. */
const DUMP_ATTEMPTS = 10;

interface RequestOptions {
  /** The flags, NLM_F_*, besides NLM_F_REQUEST; NLM_F_ACK by default. */
  flags?: number;
  attributes?: readonly Attribute[];
  /** Hints that follow the kernel's own text. */
  hints?: Hints;
}

/**
 * Sends one request and waits for an acknowledgement, or for the first message of data, since a stack may send no
 * acknowledgement after its data. Returns the data. A change waits for the end of {@link inOneBatch}, if that runs.
 */
export function request(
  stack: StackPointer,
  name: RequestName,
  body: Uint8Array,
  { flags = NLM_F_ACK, attributes, hints }: RequestOptions = {},
): Message | undefined {
  return inOneBatch(stack, (batch) => {
    if (isChange(name)) {
      batch.add({ name, body, flags: flags & ~NLM_F_ACK, attributes, hints });
      return undefined;
    }
    const [message] = ask(batch.socketFor(name), name, body, flags, attributes)();
    if (message?.type !== NLMSG_ERROR) return message;
    const failure = failureOf(message, name, hints);
    if (failure) throw failure;
    return undefined;
  });
}

function isChange(name: RequestName): boolean {
  return !name.startsWith('RTM_GET');
}

/** Sends a request. Returns a function that returns the next messages of the answer. */
function ask(
  socket: NetlinkSocket,
  name: RequestName,
  body: Uint8Array,
  flags: number,
  attributes?: readonly Attribute[],
): () => Message[] {
  const { bytes, seq } = encodeRequest(name, body, flags, attributes);
  socket.send(bytes);
  return () => socket.receive((each) => each === seq);
}

/** Returns all objects of a kind. */
export function dump(stack: StackPointer, name: RequestName, body: Uint8Array): Message[] {
  return inOneBatch(stack, (batch) => {
    const socket = batch.socketFor(name);
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const messages = collect(ask(socket, name, body, NLM_F_DUMP), name);
      if (messages) return messages;
    }
    throw new IothError('EAGAIN', { syscall: name, hint: 'the configuration keeps changing; try again' });
  });
}

/** Returns all messages up to NLMSG_DONE; undefined if the dump is inconsistent. */
function collect(receive: () => Message[], name: RequestName): Message[] | undefined {
  const messages: Message[] = [];
  let isInterrupted = false;
  for (;;) {
    for (const message of receive()) {
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) isInterrupted = true;
      if (message.type !== NLMSG_DONE && message.type !== NLMSG_ERROR) {
        messages.push(message);
        continue;
      }
      // NLMSG_DONE starts with an error number like NLMSG_ERROR, but a stack may leave it out
      const failure = message.payload.length === 0 ? undefined : failureOf(message, name);
      if (failure) throw failure;
      return isInterrupted ? undefined : messages;
    }
  }
}

/** The requests of {@link inOneBatch}. */
let current: Batch | undefined;

/**
 * Makes one socket for all requests of `work` to a stack, asks once for the index of an interface, and sends changes together: all
 * are made when the next question is asked, and at the end. `work` must not rename, make or delete interfaces.
 * @throws {IothError} the first change that the stack refused; those after it may be made
 */
export function inOneBatch<T>(stack: StackPointer, work: (batch: Batch) => T): T {
  const outer = current;
  if (outer?.stack === stack) return work(outer);
  const own = new Batch(stack);
  current = own;
  try {
    const result = work(own);
    own.flush();
    for (const act of own.endings) act();
    return result;
  } finally {
    current = outer;
    own.close();
  }
}

/** Returns the index of an interface, which `find` asks the stack for, unless {@link inOneBatch} has it already. */
export function knownIndex(stack: StackPointer, ifname: string, find: () => number): number {
  if (current?.stack !== stack) return find();
  const index = current.indexes.get(ifname) ?? find();
  current.indexes.set(ifname, index);
  return index;
}
