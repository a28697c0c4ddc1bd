/**
 * `node --import ioth/register app.js` runs a program on a stack of its own. IOTH in the environment describes the stack as for
 * ioth_newstackc(3): IOTH='stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24'. The program starts when the stack is ready. If
 * the stack has no need to wait for other hosts, `node --require ioth/register app.js` does the same, and Node loads the program
 * as it would without it.
 *
 * Worker threads use the stack of their process. docs/node.md says what child processes use, and what IOTH_CHILDREN is for.
 *
 * `ioth/register` is register-imported.mjs for import, and register-required.ts for require.
 */

import { isMainThread } from 'node:worker_threads';
import { asksNetwork, isStackConfig, parseConfig } from '../config/index.js';
import { IothError } from '../core/errors.js';
import {
  CHILD_VARIABLE,
  noteChildren,
  numberChildren,
  ON_HOST,
  type Preload,
  preloadInThreads,
} from '../node/children.js';
import { registerStack } from '../node/run.js';
import { shareWithThreads, stackOfMainThread } from '../node/threads.js';
import { Stack } from './stack.js';

const FIRST = 1;

/**
 * Puts the program on its stack.
 * @param specifier the module that its Node children import
 * @throws {IothError} ERR_IOTH_REGISTER, and what Stack.create throws
 */
export async function register(specifier: string): Promise<void> {
  const preload = { flag: '--import', file: specifier } as const;
  if (!isMainThread) return registerThread(preload);
  const wanted = wantedStack();
  if (wanted) registerProcess(await Stack.create(wanted.config), wanted, preload);
}

/**
 * Puts the program on its stack at once, for a caller that cannot wait.
 * @param file the file that its Node children require
 * @throws {IothError} ERR_IOTH_REGISTER if the stack must wait for other hosts, as for DHCP; what `new Stack` throws
 */
export function registerNow(file: string): void {
  const preload = { flag: '--require', file } as const;
  if (!isMainThread) {
    registerThread(preload);
    return;
  }
  const wanted = wantedStack();
  if (!wanted) return;
  if (isStackConfig(wanted.config) && asksNetwork(parseConfig(wanted.config, 'newstackc'))) {
    const hint = 'require cannot wait for DHCP, DHCPv6 or router discovery: use node --import ioth/register';
    throw new IothError('ERR_IOTH_REGISTER', { hint });
  }
  registerProcess(new Stack(wanted.config), wanted, preload);
}

interface WantedStack {
  readonly config: string;
  readonly number: number;
}

/** Returns the stack that the environment asks for; undefined in a child that uses the host's network. */
function wantedStack(): WantedStack | undefined {
  const { IOTH: config, [CHILD_VARIABLE]: child } = process.env;
  if (child === ON_HOST) return undefined;
  if (!config) {
    const hint = "IOTH is not set: set it, for example IOTH='stack=vdestack,vnl=vde:///tmp/sw,eth,ip=10.0.0.2/24'";
    throw new IothError('ERR_IOTH_REGISTER', { hint });
  }
  const number = child === undefined ? FIRST : Number(child);
  return { config: config.replaceAll('%d', String(number)), number };
}

/** @param preload how its threads and Node children load ioth/register */
function registerProcess(stack: Stack, { number }: WantedStack, preload: Preload): void {
  registerStack(stack);
  shareWithThreads(stack);
  preloadInThreads(preload);
  const { IOTH_CHILDREN: children } = process.env;
  if (children === '1') {
    numberChildren(number === FIRST ? FIRST + 1 : number * 10 + 1, preload);
  } else {
    process.env[CHILD_VARIABLE] = ON_HOST;
    if (children !== '0') noteChildren();
  }
}

/** Puts a worker thread on the stack of its process. */
function registerThread(preload: Preload): void {
  const stack = stackOfMainThread();
  if (!stack) return;
  registerStack(stack);
  preloadInThreads(preload);
}
