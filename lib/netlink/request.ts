/** Requests and dumps. They are synchronous, and have a timeout. */

import type { StackPointer } from '../../ffi/ioth.js';
import { IothError } from '../core/errors.js';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, type RequestName } from './constants.js';
import { failureOf, type Hints } from './failure.js';
import type { Attribute, Message } from './message.js';
import { NetlinkSocket } from './netlink-socket.js';

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
 * acknowledgement after its data. Returns the data.
 */
export function request(
  stack: StackPointer,
  name: RequestName,
  body: Uint8Array,
  { flags = NLM_F_ACK, attributes, hints }: RequestOptions = {},
): Message | undefined {
  return withSocket(stack, name, (socket) => {
    const [message] = socket.receive(socket.send(body, flags, attributes));
    if (message?.type !== NLMSG_ERROR) return message;
    const failure = failureOf(message, name, hints);
    if (failure) throw failure;
    return undefined;
  });
}

/** Returns all objects of a kind. */
export function dump(stack: StackPointer, name: RequestName, body: Uint8Array): Message[] {
  return withSocket(stack, name, (socket) => {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const messages = collect(socket, socket.send(body, NLM_F_DUMP), name);
      if (messages) return messages;
    }
    throw new IothError('EAGAIN', { syscall: name, hint: 'the configuration keeps changing; try again' });
  });
}

/** Returns all messages up to NLMSG_DONE; undefined if the dump is inconsistent. */
function collect(socket: NetlinkSocket, seq: number, name: RequestName): Message[] | undefined {
  const messages: Message[] = [];
  let isInterrupted = false;
  for (;;) {
    for (const message of socket.receive(seq)) {
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

/** What {@link withOneSocket} keeps: the socket, and the indexes of interfaces. */
let shared:
  | { readonly stack: StackPointer; socket: NetlinkSocket | undefined; readonly indexes: Map<string, number> }
  | undefined;

/**
 * Makes one netlink socket for all requests of `work` to a stack, which its daemon would make for each, and asks once for the index
 * of an interface. `work` must not rename, make or delete interfaces.
 */
export function withOneSocket<T>(stack: StackPointer, work: () => T): T {
  if (shared) return work();
  shared = { stack, socket: undefined, indexes: new Map() };
  try {
    return work();
  } finally {
    const { socket } = shared;
    shared = undefined;
    socket?.close();
  }
}

/** Returns the index of an interface, which `find` asks the stack for, unless {@link withOneSocket} has it already. */
export function knownIndex(stack: StackPointer, ifname: string, find: () => number): number {
  if (shared?.stack !== stack) return find();
  const index = shared.indexes.get(ifname) ?? find();
  shared.indexes.set(ifname, index);
  return index;
}

function withSocket<T>(stack: StackPointer, name: RequestName, use: (socket: NetlinkSocket) => T): T {
  if (shared?.stack !== stack) return withOwnSocket(stack, name, use);
  shared.socket ??= new NetlinkSocket(stack, name);
  shared.socket.name = name;
  return use(shared.socket);
}

function withOwnSocket<T>(stack: StackPointer, name: RequestName, use: (socket: NetlinkSocket) => T): T {
  const socket = new NetlinkSocket(stack, name);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}
