/** An IPv4 address and a port. */
export interface Endpoint {
  address: string;
  port: number;
}

/**
 * One way of doing the work, with its own listeners L and connections C. All contenders take the same steps, so a ratio
 * compares their costs. Every connection has TCP_NODELAY.
 */
export interface Contender<L, C> {
  readonly name: string;
  /** Listens on a port of the machine's choice. */
  listen(address: string): Promise<[L, Endpoint]>;
  accept(listener: L): Promise<C>;
  connect(to: Endpoint): Promise<C>;
  close(handle: L | C): void;
  /** Sends `bytes` in writes of BLOCK. */
  sendBulk(connection: C, bytes: number): Promise<void>;
  receiveBulk(connection: C, bytes: number): Promise<void>;
  /** Sends a message of MESSAGE bytes and waits for the echo, `count` times. */
  ping(connection: C, count: number): Promise<void>;
  echo(connection: C, count: number): Promise<void>;
}

/** Work on the kernel stack only; each method returns its time, in milliseconds. */
export interface LocalContender<L, C> extends Contender<L, C> {
  /** Connects, accepts, closes both ends, then the next one. A server waits in accept all the time. */
  connections(address: string, count: number): Promise<number>;
  /** Has `count` datagrams of MESSAGE bytes echoed, WINDOW of them on their way at a time. */
  datagrams(address: string, count: number): Promise<number>;
}

/** One write of bulk data, and the room for one read of it. */
export const BLOCK = 64 * 1024;
/** One message of a round trip, one datagram. */
export const MESSAGE = 64;
/** Datagrams on their way at a time. */
export const WINDOW = 32;
/** The size with which a plain program reads when it does not know the size of a message. */
export const READ = 1024;

const STALL = 200;

/**
 * Watches an exchange of datagrams that may be lost: when none came for STALL milliseconds, `restart` fills the window
 * again. Returns a function that stops the watch.
 */
export function restartOnLoss(received: () => number, restart: () => void): () => void {
  let before = received();
  const timer = setInterval(() => {
    const now = received();
    if (now === before) restart();
    before = now;
  }, STALL);
  return () => clearInterval(timer);
}
