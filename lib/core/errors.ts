import { getSystemErrorMap, inspect } from 'node:util';
import { codeOf, errnoOf } from './errno.js';

/** The details of an {@link IothError}, besides its code. */
export interface IothErrorDetails {
  /** The call that failed, by its C name: 'connect', 'ioth_newstack', 'RTM_NEWADDR'. */
  syscall?: string;
  /** The address of the operation, as the caller gave it or the stack reported it. */
  address?: string;
  port?: number;
  /** Advice, or a text of the kernel. It ends the message. */
  hint?: string;
  cause?: unknown;
}

/**
 * The error of a failed system call, netlink request or stack, in the shape of Node's own errors:
 * `code` ('ECONNREFUSED'), `errno` (negative), `syscall`, and `address` / `port` where they apply.
 */
export class IothError extends Error {
  override readonly name: string = 'IothError';
  readonly code: string;
  /** The negative error number; undefined if the code is ioth's own. */
  declare readonly errno?: number;
  declare readonly syscall?: string;
  declare readonly address?: string;
  declare readonly port?: number;

  constructor(code: string, details: IothErrorDetails = {}) {
    const { syscall, address, port, hint, cause } = details;
    const errno = errnoOf(code);
    super(messageOf(code, errno, details), cause === undefined ? undefined : { cause });
    this.code = code;
    if (errno !== undefined) this.errno = -errno;
    if (syscall !== undefined) this.syscall = syscall;
    if (address !== undefined) this.address = address;
    if (port !== undefined) this.port = port;
    if (hint !== undefined && errno === undefined) this.message = `${syscall ? `${syscall}: ` : ''}${hint}`;
  }

  /** Keeps the text where util.inspect goes no deeper, as for the probes of a ping: it would write '[IothError]' alone. */
  [inspect.custom](depth: number | null): unknown {
    return depth !== null && depth < 0 ? `[${this.name}: ${this.message}]` : this;
  }
}

/** Returns the error of a system call that set errno (positive, as in C). */
export function systemError(errno: number, syscall: string, details: IothErrorDetails = {}): IothError {
  return new IothError(codeOf(errno), { ...details, syscall });
}

/** The error of an operation that its AbortSignal ended, in the shape of Node's AbortError. `cause` is the signal's reason. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';

  constructor(cause?: unknown) {
    super('The operation was aborted', cause === undefined ? undefined : { cause });
  }
}

function messageOf(code: string, errno: number | undefined, details: IothErrorDetails): string {
  const { syscall, address, port, hint } = details;
  const text = errno === undefined ? undefined : getSystemErrorMap().get(-errno)?.[1];
  const where = address === undefined ? '' : ` ${address}${port === undefined ? '' : `:${port}`}`;
  const what = `${syscall ? `${syscall} ` : ''}${code}${where}`;
  return [what, text, hint].filter(Boolean).join(': ');
}
