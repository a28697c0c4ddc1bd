import { Agent } from 'node:http';
import https from 'node:https';
import { type MeantStack, scopeOf, stackInUse } from './current-stack.js';
import type { NodeStack } from './node-stack.js';
import { replaceFunction } from './replace.js';

/*
 * http.Agent pools connections by the name that getName() makes from a request's options. For a request on a stack the number of
 * the stack is appended, so that no two stacks share a connection, a limit, or a TLS session.
 */

/** The key of the stack in a request's options, which keep it while the request waits in the agent's queue. */
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
      const { stack } = options?.[kStack] ?? { stack: stackInUse.of(this) };
      const name: string = Reflect.apply(original, this, args);
      return stack && stack !== plain ? `${name}:ioth:${numberOf(stack)}` : name;
    };
  });
  replaceFunction(prototype, 'addRequest', (original) => {
    return function (this: Agent, request, options, ...legacy) {
      const stack = stackInUse.of(this, true);
      const own = typeof options === 'object' ? { ...options, [kStack]: { stack } } : options;
      return connectOn(stack, this, own, () => Reflect.apply(original, this, [request, own, ...legacy]));
    };
  });
  replaceFunction(prototype, 'createSocket', (original) => {
    return function (this: Agent, request, options: StackOptions, ...rest) {
      const { stack } = options[kStack] ?? { stack: stackInUse.of(this, true) };
      return connectOn(stack, this, options, () => Reflect.apply(original, this, [request, options, ...rest]));
    };
  });
}

/** Calls `connect` on `stack`. Node's own agents connect before it returns, other agents may connect later. */
function connectOn<T>(stack: MeantStack, agent: Agent, options: unknown, connect: () => T): T {
  const isNodes = PROTOTYPES.includes(Object.getPrototypeOf(agent)) && !Object.hasOwn(agent, 'createConnection');
  return stackInUse.run(stack, connect, isNodes ? scopeOf([options]) : 'work');
}

/** The stack of {@link useProcessNames}. */
let plain: NodeStack | undefined;

/** Leaves the number out of the names of requests on `stack`. The process is on it from its start: no request is on the host. */
export function useProcessNames(stack: NodeStack): void {
  plain = stack;
}

function numberOf(stack: NodeStack): number {
  const known = numbers.get(stack);
  if (known !== undefined) return known;
  numbers.set(stack, ++last);
  return last;
}
