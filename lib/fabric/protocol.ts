import type { VdeConnPointer } from '../../ffi/vdeplug.js';
import type { FaultRule } from './forwarder.js';
import type { FrameBatch } from './recorder.js';
import type { NetworkStats } from './stats.js';

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

/** The calls to the other thread, and their results. */
export interface Calls {
  addNetwork(network: string, isWire: boolean): void;
  addPort(network: string, name: string, conn: VdeConnPointer): void;
  removePort(network: string, name: string): void;
  setPortUp(network: string, name: string, isUp: boolean): void;
  setFaults(network: string, rule: FaultRule): void;
  partition(network: string, groups: readonly (readonly string[])[]): void;
  stats(network: string): NetworkStats;
  recentFrames(network: string): { names: string[]; batch: FrameBatch };
  startCapture(network: string, capture: number): void;
  /** Reports how many bytes of a capture were written. */
  captureTaken(network: string, capture: number, bytes: number): void;
  /** Stops a capture. @returns how many frames were not captured because the other thread was too slow */
  stopCapture(network: string, capture: number): number;
}

export type CallName = keyof Calls;

export interface CallMessage {
  readonly id: number;
  readonly call: CallName;
  readonly args: readonly unknown[];
}

export type WorkerMessage =
  | { readonly ready: true }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { code: string; syscall: string | undefined; message: string } }
  | { readonly capture: number; readonly names: readonly string[]; readonly batch: FrameBatch };
