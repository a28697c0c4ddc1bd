export const FRAME_SIZE = 1500;
export const PING_SIZE = 98;

/** A request to one end of a cable. */
export interface LabRequest {
  work: 'send' | 'count' | 'ping' | 'echo';
  /** The number of frames or round trips. */
  amount: number;
}

/** Frames a second, or milliseconds; 0 means that the end is open, or has finished. */
export interface LabAnswer {
  value: number;
}
