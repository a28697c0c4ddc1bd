import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { AF_INET, Stack, type StackOptions } from 'ioth';
import type { StackPointer } from 'ioth/ffi';

/** A request of the other process: a listener that serves one connection. */
export interface Request {
  contender: 'ioth' | 'bare koffi';
  work: 'bulk' | 'round trips';
  amount: number;
}

/** The address of the listener; port 0 means that the stack is ready. */
export interface Answer {
  port: number;
}

/** What carries the frames of a vdestack; undefined for what the machine has. */
export type Wire = StackOptions['wire'];

/** Returns a vdestack with one interface, up, with an address. */
export function vdestack(vnl: string, address: string, wire?: Wire): Stack {
  const stack = new Stack({ stack: 'vdestack', vnl, ...(wire && { wire }) });
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, address, 24, ifindex);
  return stack;
}

/** Returns the `struct ioth *`, which is not public. */
export function pointerOf(stack: Stack): StackPointer {
  return (stack as unknown as { pointer(syscall: string): StackPointer }).pointer('bench');
}

/** Returns the next message of the other process. */
export async function answerOf<T>(peer: ChildProcess): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  try {
    return await Promise.race([
      once(peer, 'message', { signal }).then(([answer]) => answer as T),
      once(peer, 'exit', { signal }).then(([code]): never => {
        throw new Error(`the peer process ended with ${code}`);
      }),
    ]);
  } finally {
    controller.abort();
  }
}
