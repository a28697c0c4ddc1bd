export const FRAME_SIZE = 1500;
export const PING_SIZE = 98;
/** The connections that frames take turns in: UDP, from this many ports. */
export const FLOWS = 10_000;
export const FIRST_PORT = 20_000;

/** The router with a NAT whose port outside sends the frames, and the host that gets them. */
export const ROUTER = { mac: '020000000001', inside: '192.168.1.2', outside: '203.0.113.2' } as const;
export const SERVER = { mac: '020000000002', address: '203.0.113.9' } as const;

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
