import type { VdeConnPointer } from '../../../ffi/vdeplug.js';
import type { FaultRule } from './forwarder.js';
import type { FrameBatch } from './recorder.js';
import type { NetworkStats } from './stats.js';

/** What a worker thread is started with. */
export interface WorkerSettings {
  readonly seed: number;
  /** The descriptor that is readable when a message waits, or the thread shall end. */
  readonly wakefd: number;
  /** Two words: {@link END_WORD} and {@link STATE_WORD}. */
  readonly control: SharedArrayBuffer;
}

/** Not 0: the thread shall end. */
export const END_WORD = 0;
export const STATE_WORD = 1;
/** The thread works, and uses the ports that it was given. */
export const WORKING = 1;
/** It uses none any more. */
export const ENDED = 2;

/** What the other thread is asked for, and what it answers. */
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
  /** How many bytes of a capture were written. */
  captureTaken(network: string, capture: number, bytes: number): void;
  /** @returns how many frames were not captured because the other thread was too slow */
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
