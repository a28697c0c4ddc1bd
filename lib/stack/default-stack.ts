import { libioth } from '../../ffi/ioth.js';
import { invalidType } from '../core/validate.js';
import { Stack } from './stack.js';

let current: Stack | null = null;

/** ioth_set_defstack(3): the stack of code that names none; null is the host's own network again. */
export function set_defstack(stack: Stack | null): void {
  if (stack !== null && !(stack instanceof Stack)) throw invalidType('stack', 'a Stack or null', stack);
  libioth().set_defstack(stack === null ? null : stack.pointer('ioth_set_defstack'));
  current?.off('close', forget);
  current = stack;
  stack?.once('close', forget);
}

/** The stack that set_defstack set; null where there is none, or where it was closed. */
export function get_defstack(): Stack | null {
  return current;
}

function forget(): void {
  // C would go on using the memory of the deleted stack
  libioth().set_defstack(null);
  current = null;
}
