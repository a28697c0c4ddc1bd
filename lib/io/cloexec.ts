import { CLOSE_RANGE_CLOEXEC, libc } from '../../ffi/libc.js';
import { UINT_MAX } from '../core/validate.js';

const AFTER_STANDARD_STREAMS = 3;

/** Keeps every descriptor from `first` on from children, as Node does with its own. */
export function closeOnExec(first: number = AFTER_STANDARD_STREAMS): void {
  libc().close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}
