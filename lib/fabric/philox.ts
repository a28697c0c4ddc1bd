/*
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): random words from a key and a
 * counter. Random number n does not depend on the numbers that were drawn before it.
 */

import { createHash } from 'node:crypto';

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_TO_32 = 0x1_0000_0000;

/** Returns the key for a seed and a list of names. */
export function keyOf(seed: number, ...names: readonly string[]): [number, number] {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...names]))
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/**
 * Computes four words of 32 bits.
 * @param words has the counter, and gets the result
 */
export function philox(words: Uint32Array, key0: number, key1: number): void {
  let c0 = words[0]!;
  let c1 = words[1]!;
  let c2 = words[2]!;
  let c3 = words[3]!;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(M0, c0);
    const high1 = multiplyHigh(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/** Returns the upper 32 bits of the product of two words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  // each sum is less than 2^32
  const middle = (aHigh * bLow + ((aLow * bLow) >>> 16)) >>> 0;
  const carry = (aLow * bHigh + (middle & 0xffff)) >>> 0;
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** The random numbers of the frames of one direction: up to eight each, from 0 to less than 1. */
export class FrameRandom {
  readonly #words = new Uint32Array(8);
  readonly #block = new Uint32Array(4);
  readonly #key0: number;
  readonly #key1: number;

  constructor(seed: number, ...names: readonly string[]) {
    [this.#key0, this.#key1] = keyOf(seed, ...names);
  }

  /** Makes {@link at} return the numbers of frame `n` of a conversation. */
  seek(n: number, kind: number, conversation: number): void {
    for (let i = 0; i < 2; i++) {
      this.#block[0] = n;
      this.#block[1] = kind;
      this.#block[2] = i;
      this.#block[3] = conversation;
      philox(this.#block, this.#key0, this.#key1);
      this.#words.set(this.#block, 4 * i);
    }
  }

  at(which: number): number {
    return this.#words[which]! / TWO_TO_32;
  }
}
