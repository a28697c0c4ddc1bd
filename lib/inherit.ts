import { subscribe } from 'node:diagnostics_channel';
import { CLOSE_RANGE_CLOEXEC, libc } from '../ffi/libc.js';
import { UINT_MAX } from './validate.js';

const AFTER_STANDARD_STREAMS = 3;

/** Keeps every descriptor from `first` on from children, as Node does with its own. */
export function closeOnExec(first: number): void {
  libc().close_range(first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

let isWatching = false;

/**
 * A switch's daemon accepts its peers into our descriptor table, without FD_CLOEXEC, whenever they join: so it is set
 * before each child. Node tells of spawn(), exec() and fork(), not of their blocking forms.
 */
export function closeOnExecBeforeSpawn(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe('child_process', () => closeOnExec(AFTER_STANDARD_STREAMS));
}
