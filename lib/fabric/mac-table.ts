const INITIAL_SIZE = 256;
const MAX_MACS = 8192;
const SOURCE = 6;

/** The port that each MAC is behind, as a switch learns it: a hash table in typed arrays, so that a look-up allocates nothing. */
export class MacTable {
  #high = new Uint16Array(INITIAL_SIZE);
  #low = new Uint32Array(INITIAL_SIZE);
  /** The port's number plus 1; 0 for a free slot. */
  #ports = new Uint16Array(INITIAL_SIZE);
  #count = 0;

  /** Notes the port of a frame's sender. */
  learn(frame: Uint8Array, port: number): void {
    // a group address has no port
    if (frame[SOURCE]! & 1) return;
    const at = this.#find(frame, SOURCE);
    if (this.#ports[at] === 0) {
      if (this.#count >= MAX_MACS) {
        this.clear();
        return;
      }
      this.#count++;
      this.#high[at] = highOf(frame, SOURCE);
      this.#low[at] = lowOf(frame, SOURCE);
    }
    this.#ports[at] = port + 1;
    if (this.#count > this.#ports.length / 2) this.#grow();
  }

  /** Returns the port of a frame's destination; -1 for a group or an unknown MAC. */
  lookUp(frame: Uint8Array): number {
    return frame[0]! & 1 ? -1 : this.#ports[this.#find(frame, 0)]! - 1;
  }

  clear(): void {
    this.#ports.fill(0);
    this.#count = 0;
  }

  #find(frame: Uint8Array, offset: number): number {
    return this.#place(highOf(frame, offset), lowOf(frame, offset));
  }

  /** Returns the slot of a MAC, or the free one for it. */
  #place(high: number, low: number): number {
    const mask = this.#ports.length - 1;
    let at = Math.imul(low ^ (high << 8), 0x9e3779b1) >>> 16;
    for (at &= mask; this.#ports[at] !== 0; at = (at + 1) & mask) {
      if (this.#low[at] === low && this.#high[at] === high) break;
    }
    return at;
  }

  #grow(): void {
    const [high, low, ports] = [this.#high, this.#low, this.#ports];
    this.#high = new Uint16Array(2 * ports.length);
    this.#low = new Uint32Array(2 * ports.length);
    this.#ports = new Uint16Array(2 * ports.length);
    for (let i = 0; i < ports.length; i++) {
      if (ports[i] === 0) continue;
      const at = this.#place(high[i]!, low[i]!);
      this.#high[at] = high[i]!;
      this.#low[at] = low[i]!;
      this.#ports[at] = ports[i]!;
    }
  }
}

function highOf(frame: Uint8Array, at: number): number {
  return (frame[at]! << 8) | frame[at + 1]!;
}

function lowOf(frame: Uint8Array, at: number): number {
  return ((frame[at + 2]! << 24) | (frame[at + 3]! << 16) | (frame[at + 4]! << 8) | frame[at + 5]!) >>> 0;
}
