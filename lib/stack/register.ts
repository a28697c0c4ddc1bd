/**
 * `node --import ioth/register app.js`: the program is on a stack of its own, which the environment's IOTH describes as
 * ioth_newstackc(3) does: IOTH='stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24'. It starts when the stack is ready.
 *
 * Worker threads are on the stack of their process. Child processes are on the host, unless IOTH_CHILDREN is 1: then each
 * Node child makes a stack of its own, and %d in IOTH is its number: 1 in the first process, 2, 3 … in its children.
 *
 * `ioth/register` is register-imported.mjs for who imports it, register-required.ts for who requires it.
 */

import { isMainThread } from 'node:worker_threads';
import { IothError } from '../core/errors.js';
import { CHILD_VARIABLE, numberChildren, ON_HOST } from '../node/children.js';
import { registerStack } from '../node/run.js';
import { shareWithThreads, stackOfMainThread } from '../node/threads.js';
import { Stack } from './stack.js';

const FIRST = 1;

/**
 * Puts the program on its stack.
 * @param specifier what its Node children import
 * @throws {IothError} ERR_IOTH_REGISTER, and what Stack.create throws
 */
export async function register(specifier: string): Promise<void> {
  if (!isMainThread) return registerThread();
  const { IOTH: config, IOTH_CHILDREN: children, [CHILD_VARIABLE]: child } = process.env;
  if (child === ON_HOST) return;
  if (!config) {
    const hint = "IOTH is not set: say IOTH='stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24' or the like";
    throw new IothError('ERR_IOTH_REGISTER', { hint });
  }
  const number = child === undefined ? FIRST : Number(child);
  const stack = await Stack.create(config.replaceAll('%d', String(number)));
  registerStack(stack);
  shareWithThreads(stack);
  if (children === '1') numberChildren(number === FIRST ? FIRST + 1 : number * 10 + 1, specifier);
  else process.env[CHILD_VARIABLE] = ON_HOST;
}

/** A worker thread is on the stack of its process. */
function registerThread(): void {
  const stack = stackOfMainThread();
  if (stack) registerStack(stack);
}
