import type { VdeConnPointer } from '../../ffi/vdeplug.js';

/** The settings that the thread is started with. */
export interface PumpSettings {
  /** The file descriptor that becomes readable when a message waits, or when a wire or the thread must end. */
  readonly wakefd: number;
  /** One word: not 0 if the thread must end. */
  readonly control: SharedArrayBuffer;
}

/** A message to the thread: a wire to serve. */
export interface WireMessage {
  readonly conn: VdeConnPointer;
  /** The packet socket that gets what the stack sends. */
  readonly receiver: number;
  /** The packet socket at the other end of the veth pair. */
  readonly sender: number;
  /** Three words: {@link STATE_WORD}, {@link END_WORD}, {@link BUSY_WORD}. */
  readonly control: SharedArrayBuffer;
}

export const STATE_WORD = 0;
/** The state of a wire before the thread has read its message. The other thread may still take it back, by {@link ENDED}. */
export const STARTING = 0;
export const WORKING = 1;
/** The state of a wire that the thread begins to serve. */
export const CLAIMED = 3;
/** The state of a wire that the thread does not use any more, or could not serve. */
export const ENDED = 2;
/** The index of the word that is not 0 if the wire must end. */
export const END_WORD = 1;
/** The index of the word that is not 0 while the thread has frames of the stack that it has not sent. */
export const BUSY_WORD = 2;
