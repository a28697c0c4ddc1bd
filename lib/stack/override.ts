import { invalidType } from '../core/validate.js';
import { overrideWith } from '../node/run.js';
import { Stack } from './stack.js';

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
