import dgram from 'node:dgram';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { scopeOf, stackInUse } from './current-stack.js';
import type { NodeStack } from './node-stack.js';
import { patchNode } from './run.js';

/** The modules of Node that a stack has. */
// not by a default import: programs without esModuleInterop read these declarations
export interface NodeModules {
  net: typeof import('node:net');
  dgram: typeof import('node:dgram');
  http: typeof import('node:http');
  https: typeof import('node:https');
  http2: typeof import('node:http2');
  tls: typeof import('node:tls');
}

const MODULES: NodeModules = { net, dgram, http, https, http2, tls };

const faces = new WeakMap<NodeStack, Partial<Record<keyof NodeModules, object>>>();
const LASTING = [net.Socket, net.Server, dgram.Socket, http.Agent];

/** Returns a module of Node whose functions, classes, and the objects that they make work on `stack`, in any context. */
export function face<Name extends keyof NodeModules>(stack: NodeStack, name: Name): NodeModules[Name] {
  patchNode();
  const known = faces.get(stack) ?? {};
  faces.set(stack, known);
  known[name] ??= moduleOn(stack, MODULES[name]);
  return known[name] as NodeModules[Name];
}

function moduleOn(stack: NodeStack, module: object): object {
  const functions = new Map<unknown, object>();
  let globalAgent: http.Agent | undefined;
  return new Proxy(module, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key === 'globalAgent') {
        globalAgent ??= agentLike(stack, value as http.Agent);
        return globalAgent;
      }
      if (typeof value !== 'function') return value;
      const made = functions.get(value) ?? functionOn(stack, value);
      functions.set(value, made);
      return made;
    },
  });
}

function functionOn(stack: NodeStack, value: object): object {
  const made: object = new Proxy(value as new () => object, {
    apply: (target, self, args) =>
      stackInUse.run(stack, () => assigned(stack, Reflect.apply(target as never, self, args)), scopeOf(args)),
    construct(target, args, newTarget) {
      // `new` of a subclass makes an instance of the subclass
      const constructed = newTarget === made ? target : newTarget;
      return stackInUse.run(stack, () => assigned(stack, Reflect.construct(target, args, constructed)), scopeOf(args));
    },
  });
  return made;
}

function assigned<T>(stack: NodeStack, result: T): T {
  if (LASTING.some((lasting) => result instanceof lasting)) stackInUse.assign(result as object, stack);
  return result;
}

function agentLike(stack: NodeStack, agent: http.Agent & { options?: http.AgentOptions }): http.Agent {
  const Agent = agent.constructor as typeof http.Agent;
  return assigned(stack, new Agent(agent.options));
}
