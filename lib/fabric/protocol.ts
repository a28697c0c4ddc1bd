import type { FirewallCalls } from './firewall/firewall-calls.js';
import type { Forwarder } from './forwarder.js';
import type { InterceptEvent } from './intercept/events.js';
import type { NatMapping } from './nat/mapping.js';
import type { NatCalls } from './nat/nat-calls.js';
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

/** The methods of a network that the other thread calls. */
export type Calls = Omit<Forwarder, 'name' | 'shared' | 'deliver' | 'end'>;

/** The calls for NATs. */
export type CallsOfNats = Omit<NatCalls, 'seed' | 'onChange' | 'dueAt' | 'sweep' | 'gate'>;

/** The calls for firewalls. */
export type CallsOfFirewalls = Omit<FirewallCalls, 'gate'>;

export interface CallMessage {
  readonly id: number;
  /** The name of the network, whose first call makes it, or what else is called. */
  readonly target: string | { readonly calls: 'nats' | 'firewalls' };
  readonly call: keyof Calls | keyof CallsOfNats | keyof CallsOfFirewalls;
  readonly args: readonly unknown[];
}

/** A message of the thread that forwards. Its first one has the id 0: it is ready. */
export type WorkerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { code: string; syscall: string | undefined; message: string } }
  | { readonly router: string; readonly mapping: NatMapping; readonly isMade: boolean }
  | { readonly capture: number; readonly names: readonly string[]; readonly batch: FrameBatch }
  | { readonly intercept: number; readonly event: InterceptEvent };
