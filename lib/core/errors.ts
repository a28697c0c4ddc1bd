import { getSystemErrorMap } from 'node:util';
import { codeOf, errnoOf } from './errno.js';

/** What an {@link IothError} has besides its code. */
export interface IothErrorDetails {
  /** The call that failed, by its C name: 'connect', 'ioth_newstack', 'RTM_NEWADDR'. */
  syscall?: string;
  /** The address of the operation, as the caller gave it or the stack reported it. */
  address?: string;
  port?: number;
  /** What to do, or what the kernel added: goes to the end of the message. */
  hint?: string;
  cause?: unknown;
}

/**
 * A system call, a netlink request or a stack that failed, in Node's own shape:
 * `code` ('ECONNREFUSED'), `errno` (negative), `syscall`, and `address` / `port` where they apply.
 */
export class IothError extends Error {
  override readonly name: string = 'IothError';
  readonly code: string;
  /** The negative error number; undefined where the code is ioth's own. */
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
}

/** The error of a system call that set errno (positive, as C has it). */
export function systemError(
  errno: number,
  syscall: string,
  details: Omit<IothErrorDetails, 'syscall'> = {},
): IothError {
  return new IothError(codeOf(errno), { syscall, ...details });
}

/** An operation ended by its AbortSignal; `cause` is the signal's reason. The shape is that of Node's own AbortError. */
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
