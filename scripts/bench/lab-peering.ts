export const FRAME_SIZE = 1500;
export const PING_SIZE = 98;

/** What an end of a cable is asked for. */
export interface LabRequest {
  work: 'send' | 'count' | 'ping' | 'echo';
  /** Frames or round trips. */
  amount: number;
}

/** Frames a second, or milliseconds; 0 says only that the end is open, or has done it. */
export interface LabAnswer {
  value: number;
}
