interface Entry<T> {
  value: T;
  /** The expiry time, in milliseconds of the clock. */
  expires: number;
}

export interface CacheOptions {
  /** The most entries, default 1000; 0 turns the cache off. */
  size?: number;
  /** Returns the time of a monotonic clock in milliseconds; default `performance.now()`. */
  now?: () => number;
}

const MAX_TTL_SECONDS = 24 * 3600;
const DEFAULT_SIZE = 1000;

/** Cache of values with a time to live. When full it drops the least recently used. */
export class Cache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #size: number;
  readonly #now: () => number;

  constructor({ size = DEFAULT_SIZE, now = () => performance.now() }: CacheOptions = {}) {
    this.#size = size;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.expires <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps `value` for `ttl` seconds, at most a day; 0 does not keep it. */
  set(key: string, value: T, ttl: number): void {
    if (this.#size === 0 || ttl <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires: this.#now() + Math.min(ttl, MAX_TTL_SECONDS) * 1000 });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#size && !oldest.done) this.#entries.delete(oldest.value);
  }

  clear(): void {
    this.#entries.clear();
  }
}
