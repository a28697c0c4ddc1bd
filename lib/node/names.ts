import dns from 'node:dns';
import { isIP } from 'node:net';
import { currentStack } from './current-stack.js';
import { QUERIES } from './dns.js';
import type { NodeStack } from './node-stack.js';
import { type AnyFunction, replaceFunction } from './replace.js';

/* The functions of node:dns and the methods of its resolvers, on the current stack. */

const FUNCTIONS: readonly string[] = [...QUERIES, 'lookupService', 'getServers', 'setServers'];
const ANY_ADDRESS = '::';

type ResolverForm = typeof dns.Resolver | typeof dns.promises.Resolver;
type AnyResolver = InstanceType<ResolverForm>;
type Methods = Record<string, AnyFunction>;

/** What a Resolver of Node's is on each stack. */
const onStacks = new WeakMap<AnyResolver, Map<NodeStack, Methods>>();

export function patchNames(): void {
  for (const name of FUNCTIONS) {
    onStack(dns, name, (stack) => stack.dns);
    onStack(dns.promises, name, (stack) => stack.dns.promises);
  }
  patchLookup(dns, (stack) => stack.dns);
  patchLookup(dns.promises, (stack) => stack.dns.promises);
  patchResolver(dns.Resolver, ({ dns: { Resolver } }) => new Resolver());
  patchResolver(dns.promises.Resolver, ({ dns: { promises } }) => new promises.Resolver());
}

function patchResolver({ prototype }: ResolverForm, create: (stack: NodeStack) => object): void {
  const methods = (resolver: unknown) => (stack: NodeStack) => resolverOn(resolver as AnyResolver, stack, create);
  for (const name of QUERIES) onStack(prototype, name, (stack, resolver) => methods(resolver)(stack));
  replaceInherited(prototype, 'setServers', (resolver, original, args) => {
    for (const own of onStacks.get(resolver)?.values() ?? []) own.setServers?.(...args);
    return Reflect.apply(original, resolver, args);
  });
  replaceInherited(prototype, 'cancel', (resolver, original, args) => {
    for (const own of onStacks.get(resolver)?.values() ?? []) own.cancel?.();
    return Reflect.apply(original, resolver, args);
  });
}

function onStack(object: object, name: string, methodsOf: (stack: NodeStack, self: unknown) => object): void {
  replaceFunction(object, name, (original) => {
    return function (this: unknown, ...args) {
      const stack = currentStack();
      if (!stack) return Reflect.apply(original, this, args);
      return (methodsOf(stack, this) as Methods)[name]?.(...args);
    };
  });
}

/** Puts another function in the place of `lookup`: Node's own checks the arguments, and needs nobody for an address. */
function patchLookup(object: object, methodsOf: (stack: NodeStack) => object): void {
  replaceFunction(object, 'lookup', (original) => {
    return function (this: unknown, hostname, ...args) {
      const stack = currentStack();
      const isName = typeof hostname === 'string' && hostname !== '' && isIP(hostname) === 0;
      // the result for an address comes in the next tick: a datagram goes out before its socket is closed
      if (!stack || !isName) return Reflect.apply(original, this, [hostname, ...args]);
      const checked = args.map((arg) => (typeof arg === 'function' ? () => {} : arg));
      // the promises' form would reject
      if (object === dns) Reflect.apply(original, this, [ANY_ADDRESS, ...checked]);
      return (methodsOf(stack) as Methods).lookup?.(hostname, ...args);
    };
  });
}

function replaceInherited(
  prototype: object,
  name: string,
  call: (resolver: AnyResolver, original: AnyFunction, args: unknown[]) => unknown,
): void {
  replaceFunction(prototype, name, (original) => {
    return function (this: AnyResolver, ...args) {
      return call(this, original, args);
    };
  });
}

/** With the servers that were set on it; else with the stack's own. */
function resolverOn(resolver: AnyResolver, stack: NodeStack, create: (stack: NodeStack) => object): Methods {
  let stacks = onStacks.get(resolver);
  if (!stacks) {
    stacks = new Map();
    onStacks.set(resolver, stacks);
  }
  let own = stacks.get(stack);
  if (!own) {
    own = create(stack) as Methods;
    const servers = resolver.getServers();
    if (String(servers) !== String(new dns.Resolver().getServers())) own.setServers?.(servers);
    stacks.set(stack, own);
  }
  return own;
}
