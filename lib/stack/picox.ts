import { keepPlugin } from '../../ffi/loader.js';
import { IothError } from '../core/errors.js';
import { baseName, isPicox, type StackSpec } from './plugin.js';
import { findExecutable } from './programs/executable.js';

let wasMade = false;

/**
 * What C does not look at. A second picox in a process blocks its thread for ever once the first one is closed. Its networks are
 * joined by vde_plug. A thread of it runs a little longer than the stack, and does so where none could be made.
 * @throws {IothError} EBUSY, ENOENT
 */
export function preparePicox({ plugin, vnls }: StackSpec): void {
  if (!isPicox(plugin)) return;
  const refused = (code: string, hint: string) =>
    new IothError(code, { syscall: 'ioth_newstack', address: plugin, hint });
  if (wasMade) {
    throw refused('EBUSY', 'picox makes one stack in a process, and no other when that one is closed');
  }
  if (vnls.length > 0 && !findExecutable('vde_plug', (process.env.PATH ?? '').split(':'))) {
    throw refused('ENOENT', 'picox joins networks by the program vde_plug, which the package vdeplug of Debian brings');
  }
  keepPlugin(baseName(plugin));
}

/** From now on there was one. */
export function notePicox({ plugin }: StackSpec): void {
  wasMade ||= isPicox(plugin);
}
