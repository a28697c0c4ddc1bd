import { invalidType } from '../core/validate.js';
import { overrideWith } from '../node/run.js';
import { Stack } from './stack.js';

/**
 * Makes `stack` the one that Node's modules work on where nothing else is meant, in this whole thread: in code that was loaded
 * before, and after. What iothpy calls override_socket_module. Sockets that are open stay where they are.
 * @returns what takes it back. Of several overrides the last one that was not taken back counts
 * @throws {IothError} ERR_NODE_INTERNALS as {@link Stack.run}; EBADF, ERR_STACK_DEAD
 */
export function override(stack: Stack): () => void {
  if (!(stack instanceof Stack)) throw invalidType('stack', 'a Stack', stack);
  stack.pointer('override');
  return overrideWith(stack);
}
