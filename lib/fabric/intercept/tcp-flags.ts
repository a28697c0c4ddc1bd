import { invalidType, invalidValue } from '../../core/validate.js';

/** A flag of TCP (RFC 9293, 3.1). */
export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK' | 'URG' | 'ECE' | 'CWR';

/** One flag or more: 'SYN', 'SYN+ACK'. */
export type TcpFlags = TcpFlag | `${TcpFlag}+${TcpFlag}` | `${TcpFlag}+${TcpFlag}+${TcpFlag}`;

/** The flags that must be set, and that must not. */
export interface FlagsPlan {
  readonly set: number;
  readonly clear: number;
}

const BITS: Record<TcpFlag, number> = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
};

/** Checks the text of flags. A SYN without ACK is meant as such: it begins a connection. */
export function checkFlags(name: string, value: unknown): FlagsPlan {
  const expected = "flags of TCP such as 'SYN' or 'SYN+ACK'";
  if (typeof value !== 'string') throw invalidType(name, expected, value);
  let set = 0;
  for (const flag of value.split('+')) {
    if (!Object.hasOwn(BITS, flag)) throw invalidValue(name, expected, value);
    set |= BITS[flag as TcpFlag];
  }
  return { set, clear: set & BITS.SYN ? ~set & BITS.ACK : 0 };
}
