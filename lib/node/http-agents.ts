import { Agent } from 'node:http';
import https from 'node:https';
import { callWithOptionsOn, type MeantStack, runOn, stackForCall, stackOf } from './current-stack.js';
import type { NodeStack } from './node-stack.js';
import { replaceFunction } from './replace.js';

/*
 * http.Agent pools connections by the name that getName gives to a request's options. The name of a request on a stack has
 * the stack's number behind it, so that no two stacks share a connection, a limit, or a TLS session.
 */

/** In a request's options: the stack that it is on, however long it waits in the agent's queue. */
const kStack = Symbol('ioth stack');

interface StackOptions {
  [kStack]?: { readonly stack: MeantStack };
}

const PROTOTYPES: readonly object[] = [Agent.prototype, https.Agent.prototype];
const numbers = new WeakMap<NodeStack, number>();
let last = 0;

export function patchAgents(): void {
  const { prototype } = Agent;
  replaceFunction(prototype, 'getName', (original) => {
    return function (this: Agent, ...args) {
      const [options] = args as [StackOptions | undefined];
      const { stack } = options?.[kStack] ?? { stack: stackOf(this) };
      const name: string = Reflect.apply(original, this, args);
      return stack && stack !== plain ? `${name}:ioth:${numberOf(stack)}` : name;
    };
  });
  replaceFunction(prototype, 'addRequest', (original) => {
    return function (this: Agent, request, options, ...legacy) {
      const stack = stackForCall(this);
      const own = typeof options === 'object' ? { ...options, [kStack]: { stack } } : options;
      return connectOn(stack, this, own, () => Reflect.apply(original, this, [request, own, ...legacy]));
    };
  });
  replaceFunction(prototype, 'createSocket', (original) => {
    return function (this: Agent, request, options: StackOptions, ...rest) {
      const { stack } = options[kStack] ?? { stack: stackForCall(this) };
      return connectOn(stack, this, options, () => Reflect.apply(original, this, [request, options, ...rest]));
    };
  });
}

/** Node's own agents connect at once, those of others when they like. */
function connectOn<T>(stack: MeantStack, agent: Agent, options: unknown, connect: () => T): T {
  const isNodes = PROTOTYPES.includes(Object.getPrototypeOf(agent)) && !Object.hasOwn(agent, 'createConnection');
  return isNodes ? callWithOptionsOn(stack, [options], connect) : runOn(stack, connect);
}

/** The stack of {@link useProcessNames}. */
let plain: NodeStack | undefined;

/** Has requests on `stack`, which a process is on from its start, their names without a number: nothing is on the host. */
export function useProcessNames(stack: NodeStack): void {
  plain = stack;
}

function numberOf(stack: NodeStack): number {
  const known = numbers.get(stack);
  if (known !== undefined) return known;
  numbers.set(stack, ++last);
  return last;
}
