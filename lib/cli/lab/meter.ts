/** Counts what arrives. */
export class Meter {
  bytes = 0;
  readonly #start = performance.now();
  #last = { bytes: 0, at: this.#start };

  add(data: Buffer): void {
    this.bytes += data.length;
  }

  /** Returns a line about the time since the last one. */
  take(): string {
    const { bytes, at } = this.#last;
    this.#last = { bytes: this.bytes, at: performance.now() };
    return this.#line(at, this.bytes - bytes);
  }

  /** Returns a line about the time until the last one. */
  total(): string {
    return `all ${this.#line(this.#start, this.#last.bytes)}`;
  }

  #line(from: number, bytes: number): string {
    const to = this.#last.at;
    const [begin, end] = [from, to].map((time) => ((time - this.#start) / 1000).toFixed(1));
    const rate = to > from ? (bytes * 8 * 1000) / (to - from) : 0;
    return `${begin}-${end} s  ${withPrefix(bytes)}B  ${withPrefix(rate)}bit/s`;
  }
}

/** Counts datagrams, which begin with their number, from 0 on. */
export class DatagramMeter extends Meter {
  /** How many were sent. */
  sent = 0;
  received = 0;
  #next = 0;
  #last = { next: 0, received: 0 };
  #lastAt = performance.now();

  /** The milliseconds since the last one arrived. */
  get quietFor(): number {
    return performance.now() - this.#lastAt;
  }

  override add(data: Buffer): void {
    super.add(data);
    this.received++;
    this.#next = Math.max(this.#next, data.readUInt32BE(0) + 1);
    this.#lastAt = performance.now();
  }

  override take(): string {
    const { next, received } = this.#last;
    this.#last = { next: this.#next, received: this.received };
    return `${super.take()}  ${lossText(this.#next - next, this.received - received)}`;
  }

  override total(): string {
    return `${super.total()}  ${lossText(this.sent, this.received)}`;
  }
}

/** Late ones and duplicates may make more of them arrive than were expected. */
function lossText(expected: number, received: number): string {
  return `${Math.max(0, expected - received)} of ${expected} lost`;
}

/** Formats a number, and the prefix of its unit: '1.25 M'. */
function withPrefix(value: number): string {
  const power = value < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** power).toPrecision(3)} ${['', 'k', 'M', 'G', 'T'][power]}`;
}
