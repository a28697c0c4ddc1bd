import type { FirewallGate } from './firewall/firewall.js';
import type { Forwarder } from './forwarder.js';
import type { InterceptEvent } from './intercept/events.js';
import type { LiveBatch } from './live-feed.js';
import type { NatMapping } from './nat/mapping.js';
import type { Nat } from './nat/nat.js';
import type { FrameBatch } from './recorder.js';

/** The settings that a worker thread is started with. */
export interface WorkerSettings {
  readonly seed: number;
  /** The file descriptor that becomes readable when a message waits, or when the thread must end. */
  readonly wakefd: number;
  /** Two words: {@link END_WORD} and {@link STATE_WORD}. */
  readonly control: SharedArrayBuffer;
}

/** The index of the word that is not 0 if the thread must end. */
export const END_WORD = 0;
export const STATE_WORD = 1;
/** The state of a thread that works, and uses its ports. */
export const WORKING = 1;
/** The state of a thread that uses no port any more. */
export const ENDED = 2;

/** What the other thread calls, by its name: a network, the NAT of a router, the firewall of a host. */
export interface Callees {
  readonly network: Omit<Forwarder, 'name' | 'shared' | 'deliver' | 'lose' | 'markSecond' | 'end'>;
  readonly nat: Pick<
    Nat,
    | 'restart'
    | 'set'
    | 'flush'
    | 'mappings'
    | 'addForward'
    | 'requestForward'
    | 'hasForward'
    | 'removeForward'
    | 'watch'
  >;
  readonly firewall: Pick<FirewallGate, 'set' | 'flush'>;
}

/** The arguments and the result of a method of a callee. */
export type ArgumentsOf<Method> = Method extends (...args: infer A) => unknown ? A : never;
export type ResultOf<Method> = Method extends (...args: never[]) => infer R ? R : never;

export interface CallMessage {
  readonly id: number;
  readonly kind: keyof Callees;
  /** The name of the callee. The first call to a network makes it. */
  readonly name: string;
  readonly call: string;
  readonly args: readonly unknown[];
}

/** A message of the thread that forwards. Its first one has the id 0: it is ready. */
export type WorkerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { code: string; syscall: string | undefined; message: string } }
  | { readonly router: string; readonly mapping: NatMapping; readonly isMade: boolean }
  | { readonly capture: number; readonly names: readonly string[]; readonly batch: FrameBatch }
  | { readonly live: string; readonly batch: LiveBatch }
  | { readonly intercept: number; readonly event: InterceptEvent };
