import { keepPlugin } from '../../ffi/loader.js';
import { IothError } from '../core/errors.js';
import { findExecutable } from '../process/executable.js';
import { baseName, isPicox, type StackSpec } from './plugin.js';

let wasMade = false;

/**
 * Checks what C does not. A second picox in a process blocks its thread for ever once the first one is closed. Networks are
 * joined by vde_plug. A thread of picox runs a little longer than its stack, even if no stack could be made, so the plugin stays
 * loaded.
 * @throws {IothError} EBUSY, ENOENT
 */
export function preparePicox({ plugin, vnls }: StackSpec): void {
  if (!isPicox(plugin)) return;
  const refused = (code: string, hint: string) =>
    new IothError(code, { syscall: 'ioth_newstack', address: plugin, hint });
  if (wasMade) {
    throw refused('EBUSY', 'a process can make only one picox, even after that one is closed');
  }
  if (vnls.length > 0 && !findExecutable('vde_plug', (process.env.PATH ?? '').split(':'))) {
    throw refused('ENOENT', 'picox joins networks with the program vde_plug: install the Debian package vdeplug');
  }
  keepPlugin(baseName(plugin));
}

/** Notes that this process has made a picox. */
export function notePicox({ plugin }: StackSpec): void {
  wasMade ||= isPicox(plugin);
}
