import { invalidType, invalidValue } from '../../core/validate.js';
import { TCP_FLAGS, type TcpFlag } from '../tcp-flags.js';

/** One flag or more: 'SYN', 'SYN+ACK'. */
export type TcpFlags = TcpFlag | `${TcpFlag}+${TcpFlag}` | `${TcpFlag}+${TcpFlag}+${TcpFlag}`;

/** The flags that must be set, and that must not. */
export interface FlagsPlan {
  readonly set: number;
  readonly clear: number;
}

/** Checks the text of flags. 'SYN' alone means a SYN without ACK, which begins a connection. */
export function checkFlags(name: string, value: unknown): FlagsPlan {
  const expected = "flags of TCP such as 'SYN' or 'SYN+ACK'";
  if (typeof value !== 'string') throw invalidType(name, expected, value);
  let set = 0;
  for (const flag of value.split('+')) {
    if (!Object.hasOwn(TCP_FLAGS, flag)) throw invalidValue(name, expected, value);
    set |= TCP_FLAGS[flag as TcpFlag];
  }
  return { set, clear: set & TCP_FLAGS.SYN ? ~set & TCP_FLAGS.ACK : 0 };
}
