import { libioth } from '../../ffi/ioth.js';
import { invalidType } from '../core/validate.js';
import { overrideWith } from '../node/run.js';
import { Stack } from './stack.js';

let current: Stack | null = null;

/** Sets the stack for code that names none: ioth_set_defstack(3). null selects the host's own network again. */
export function set_defstack(stack: Stack | null): void {
  if (stack !== null && !(stack instanceof Stack)) throw invalidType('stack', 'a Stack or null', stack);
  libioth().set_defstack(stack === null ? null : stack.pointer('ioth_set_defstack'));
  current?.off('close', forget);
  current = stack;
  // before other listeners: one that throws ends the event
  stack?.prependOnceListener('close', forget);
}

/** Returns the stack that `set_defstack` set; null if none was set, or if it was closed. */
export function get_defstack(): Stack | null {
  return current;
}

function forget(): void {
  // C would still use the memory of the deleted stack
  libioth().set_defstack(null);
  current = null;
}

/**
 * Makes `stack` the default for Node's modules in this whole thread, for code loaded before and after. iothpy calls this
 * override_socket_module. Open sockets stay where they are.
 * @returns a function that undoes it. With several overrides, the last one that was not undone counts
 * @throws {IothError} ERR_NODE_INTERNALS as {@link Stack.run}; EBADF, ERR_STACK_DEAD
 */
export function override(stack: Stack): () => void {
  if (!(stack instanceof Stack)) throw invalidType('stack', 'a Stack', stack);
  stack.pointer('override');
  return overrideWith(stack);
}
