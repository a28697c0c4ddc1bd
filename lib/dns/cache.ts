interface Entry<T> {
  value: T;
  /** In milliseconds of the clock. */
  expires: number;
}

export interface CacheOptions {
  /** How many entries at most; 0 turns the cache off. */
  size?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
}

const MAX_TTL_SECONDS = 24 * 3600;
const DEFAULT_SIZE = 1000;

/** Values with a time to live. Full, it drops the one used longest ago. */
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

  /** Keeps `value` for `ttl` seconds; not at all for 0. */
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
