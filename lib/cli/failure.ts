import { inspect, types } from 'node:util';
import { LibraryNotFoundError } from '../../ffi/loader.js';
import { UnsupportedRuntimeError } from '../../ffi/runtime.js';
import { AbortError, IothError } from '../core/errors.js';
import { printableLines } from '../core/printable.js';
import { CommandError, EXIT_FAILED, EXIT_USAGE, UsageError } from './command.js';
import { printError, styled } from './terminal.js';

/** What a failure of a command means for its user. */
interface Failure {
  readonly message: string;
  readonly exitCode: number;
  /** True if something of the machine is missing. */
  readonly isForDoctor: boolean;
}

/** Returns the message and exit code for an error. */
export function failureOf(error: unknown): Failure {
  const isForDoctor = error instanceof LibraryNotFoundError || error instanceof UnsupportedRuntimeError;
  if (error instanceof UsageError || isBadArgument(error)) {
    return { message: error.message, exitCode: EXIT_USAGE, isForDoctor };
  }
  const isKnown = isForDoctor || isSystemError(error) || error instanceof CommandError || error instanceof AbortError;
  return {
    // an unexpected error: its stack trace helps
    message: isKnown ? error.message : inspect(error),
    exitCode: error instanceof CommandError ? error.exitCode : EXIT_FAILED,
    isForDoctor,
  };
}

/** Returns whether ioth, or Node, refused a part of the command line: a configuration, an address. */
export function isBadArgument(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException;
  return types.isNativeError(error) && /^ERR_(INVALID_ARG|OUT_OF_RANGE|INVALID_IP|SOCKET_BAD_PORT)/.test(code ?? '');
}

function isSystemError(error: unknown): error is Error {
  return error instanceof IothError || (types.isNativeError(error) && 'syscall' in error && 'code' in error);
}

/** Prints what failed, in red at a terminal. */
export function report(who: string, message: string, advice?: string): void {
  const prefix = styled('red', `${who}:`, process.stderr);
  printError(`${prefix} ${printableLines(message)}${advice ? `\n${advice}` : ''}`);
}
