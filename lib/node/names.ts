import dns from 'node:dns';
import type { IothError } from '../core/errors.js';
import { stackInUse } from './current-stack.js';
import { backendOf } from './dns.js';
import {
  ASKING,
  type CaresServer,
  localAddresses,
  QUERIES_PENDING,
  type Request,
  StackChannel,
  serversOf,
  settingsOf,
} from './dns-channel.js';
import { lookupsWithCallback, lookupsWithPromise } from './dns-lookup.js';
import type { ResolverSettings } from './dns-source.js';
import { unlikeNode } from './internals.js';
import type { NodeStack } from './node-stack.js';
import { type AnyFunction, replaceFunction } from './replace.js';

/* Puts node:dns on the current stack. Replaces the functions of look-ups, and patches the channels of resolvers for queries. */

/** ChannelWrap of src/cares_wrap.cc. */
interface HostChannel {
  getServers(): [address: string, port: number][];
}
/** The settings of a channel of the host, and its channel on each stack. */
interface Channels {
  readonly settings: ResolverSettings;
  readonly onStacks: Map<NodeStack, StackChannel>;
}

const channels = new WeakMap<HostChannel, Channels>();
/** The channel of the functions of node:dns. */
let defaultChannel: HostChannel | undefined;
let isLooking = false;
/** The reason why this Node cannot be patched, if there is one. */
const problem = patchResolvers();

/** @throws {IothError} ERR_NODE_INTERNALS if the resolvers of this Node are different */
export function checkResolvers(): void {
  if (problem) throw problem;
}

/** Makes node:dns use the current stack. */
export function patchNames(): void {
  const source = () => {
    const stack = stackInUse.of();
    return stack && backendOf(stack.dns).source;
  };
  patchModule(dns, lookupsWithCallback(source), ({ dns }) => dns);
  patchModule(dns.promises, lookupsWithPromise(source), ({ dns }) => dns.promises);
}

function patchModule(
  module: object,
  lookups: object,
  shapeOf: (stack: NodeStack) => { setServers: AnyFunction },
): void {
  for (const [name, lookup] of Object.entries(lookups)) replaceFunction(module, name, () => lookup);
  // a stack gets servers of its own; on the host, Node makes a new default channel
  replaceFunction(module, 'setServers', (original) => (servers) => {
    const stack = stackInUse.of();
    if (stack) return shapeOf(stack).setServers(servers);
    defaultChannel = undefined;
    return original(servers);
  });
}

/**
 * Makes the resolvers of node:dns remember their settings, from the load of this file on: a program may make one before it first
 * uses a stack. Outside of a stack nothing else changes. Returns an error if the resolvers of this Node are different.
 */
function patchResolvers(): IothError | undefined {
  const base: object = Object.getPrototypeOf(dns.Resolver.prototype);
  const initialize = Object.getOwnPropertySymbols(base).find(
    ({ description }) => description === 'dns:resolver:initializeHandle',
  );
  if (!initialize) return unlikeNode('names', "a dns.Resolver has no 'dns:resolver:initializeHandle'");
  const { _handle } = new dns.Resolver() as unknown as { _handle?: object };
  const prototype = (_handle && Object.getPrototypeOf(_handle)) ?? {};
  const missing = ['queryA', 'getHostByAddr', 'getServers', 'setServers', 'setLocalAddress', 'cancel'].find(
    (method) => typeof prototype[method] !== 'function',
  );
  if (missing !== undefined) return unlikeNode('names', `the channel of a dns.Resolver has no ${missing}()`);
  replaceFunction(base, initialize, (original) => {
    return function (this: { _handle: HostChannel }, ...args) {
      Reflect.apply(original, this, args);
      const [timeout, tries, maxTimeout] = args;
      channels.set(this._handle, { settings: settingsOf(timeout, tries, maxTimeout), onStacks: new Map() });
    };
  });
  const asking = Object.getOwnPropertyNames(prototype).filter((name) => name in ASKING || name.startsWith('query'));
  for (const method of asking) patchQuery(prototype, method);
  patchSettings(prototype);
  return undefined;
}

function patchQuery(prototype: object, method: string): void {
  replaceFunction(prototype, method, (original) => {
    return function (this: HostChannel, request: Request, name: string) {
      const stack = stackInUse.of();
      return stack ? channelOn(this, stack).ask(method, request, name) : Reflect.apply(original, this, [request, name]);
    };
  });
}

function patchSettings(prototype: object): void {
  replaceFunction(prototype, 'getServers', (original) => {
    return function (this: HostChannel) {
      if (isLooking) defaultChannel = this;
      const stack = isLooking ? undefined : stackInUse.of();
      return stack ? channelOn(this, stack).getServers() : Reflect.apply(original, this, []);
    };
  });
  replaceFunction(prototype, 'setServers', (original) => {
    return function (this: HostChannel, servers: CaresServer[]) {
      const { settings, onStacks } = channelsOf(this);
      if ([...onStacks.values()].some(({ isBusy }) => isBusy)) return QUERIES_PENDING;
      const result = Reflect.apply(original, this, [servers]);
      if (result === 0) settings.servers = serversOf(servers);
      return result;
    };
  });
  replaceFunction(prototype, 'setLocalAddress', (original) => {
    return function (this: HostChannel, ...given: string[]) {
      Reflect.apply(original, this, given);
      channelsOf(this).settings.local = localAddresses(...given);
    };
  });
  replaceFunction(prototype, 'cancel', (original) => {
    return function (this: HostChannel) {
      for (const channel of channelsOf(this).onStacks.values()) channel.cancel();
      Reflect.apply(original, this, []);
    };
  });
}

function channelOn(channel: HostChannel, stack: NodeStack): StackChannel {
  const { source, channel: own } = backendOf(stack.dns);
  if (channel === findDefault()) return own;
  const { settings, onStacks } = channelsOf(channel);
  const known = onStacks.get(stack) ?? new StackChannel(source, settings);
  onStacks.set(stack, known);
  return known;
}

function channelsOf(channel: HostChannel): Channels {
  let known = channels.get(channel);
  if (!known) {
    known = { settings: settingsFromBefore(channel), onStacks: new Map() };
    channels.set(channel, known);
  }
  return known;
}

/** Returns the settings of a channel that is older than this file. Its servers are its own if a new channel has others. */
function settingsFromBefore(channel: HostChannel): ResolverSettings {
  const { _handle: fresh } = new dns.Resolver() as unknown as { _handle: HostChannel };
  const [own, usual] = [channel, fresh].map((one) => stackInUse.run(undefined, () => one.getServers(), 'call'));
  if (!own || String(own) === String(usual)) return {};
  return { servers: own.map(([address, port]) => ({ address, port })) };
}

/** Returns the default channel: the one that dns.getServers() asks. No property of Node tells which it is. */
function findDefault(): HostChannel | undefined {
  if (defaultChannel) return defaultChannel;
  isLooking = true;
  try {
    dns.getServers();
  } finally {
    isLooking = false;
  }
  return defaultChannel;
}
