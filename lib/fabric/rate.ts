import { invalidType, invalidValue, outOfRange } from '../core/validate.js';

/** A rate with a unit of tc(8): '10mbit', '64kbit', '1gibit'; '2mbps' is bytes. */
export type LinkRate = `${number}${'' | 'k' | 'm' | 'g' | 't' | 'K' | 'M' | 'G' | 'T'}${'' | 'i'}${'bit' | 'bps'}`;

const PREFIXES = { '': 0, k: 1, m: 2, g: 3, t: 4 } as const;
const RATE = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(bit|bps)$/i;
const BITS_PER_BYTE = 8;
/** In bits per second: a frame has to leave at some time that the timer can be set to. */
const MIN_RATE = 1;
const EXPECTED = "bits per second, or a number with a unit of tc(8): '10mbit', '64kbit', '1gibit', '2mbps' (bytes)";

/**
 * Parses a rate, in the units of tc(8).
 * @returns bits per second
 * @throws {TypeError | RangeError}
 */
export function checkRate(name: string, value: unknown): number {
  const rate = typeof value === 'number' ? value : parseRate(name, value);
  if (Number.isFinite(rate) && rate >= MIN_RATE) return rate;
  throw outOfRange(name, `finite, and at least 1: ${EXPECTED}`, value);
}

function parseRate(name: string, value: unknown): number {
  if (typeof value !== 'string') throw invalidType(name, EXPECTED, value);
  const [, amount = '', prefix = '', binary, unit = ''] = RATE.exec(value.trim()) ?? [];
  const power = PREFIXES[prefix.toLowerCase() as keyof typeof PREFIXES];
  if (amount === '') throw invalidValue(name, EXPECTED, value);
  return Number(amount) * (binary ? 1024 : 1000) ** power * (unit.toLowerCase() === 'bps' ? BITS_PER_BYTE : 1);
}
