import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { EAI_NODATA, EAI_NONAME } from '../constants/netdb.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/socket.js';
import { checkString, invalidType } from '../core/validate.js';
import type { GaiError } from '../dns/errors.js';
import { nodeError, withCause } from './dns-errors.js';
import type { DnsSource } from './dns-source.js';
import type { AnyFunction } from './replace.js';

/*
 * lookup and lookupService of node:dns and its promises, on the names of a stack. Node's own functions check the arguments, in a
 * call that sends no query: lookup of an IP address, lookupService without its callback, which Node checks last.
 */

/** Returns the source of the names, or undefined for the host. */
export type CurrentSource = () => DnsSource | undefined;
type Lookups = Record<'lookup' | 'lookupService', AnyFunction>;
type Callback = (error: Error | null, ...results: unknown[]) => void;

/** Node's own functions, before they are replaced. */
const { lookup, lookupService } = dns as Lookups;
const promises: Lookups = { ...dns.promises };
const ANY_ADDRESS = '::';
const FAMILIES = new Map<unknown, number>([
  [4, AF_INET],
  ['IPv4', AF_INET],
  [6, AF_INET6],
  ['IPv6', AF_INET6],
]);
/** The names of EAI_ numbers whose code in Node, ENOTFOUND, says less. */
const EAI_NAMES = new Map([
  [EAI_NODATA, 'EAI_NODATA'],
  [EAI_NONAME, 'EAI_NONAME'],
]);

/** Creates dns.lookup and dns.lookupService on a source. */
export function lookupsWithCallback(source: CurrentSource): Lookups {
  return likeNodes(dns, {
    lookup(hostname, ...args) {
      const names = source();
      if (!names || !isName(hostname)) return lookup(hostname, ...args);
      const [options, callback] = typeof args[0] === 'function' ? [undefined, args[0]] : args;
      const result = lookup(ANY_ADDRESS, ...args.map((arg) => (typeof arg === 'function' ? () => {} : arg)));
      callBack(callback, find(names, hostname, options), (found) =>
        Array.isArray(found) ? [found] : [found.address, found.family],
      );
      return result;
    },
    lookupService(...args) {
      const names = source();
      if (!names) return lookupService(...args);
      const [address, port, callback] = args;
      checkService(args, callback);
      callBack(callback, findService(names, address, Number(port)), ({ hostname, service }) => [hostname, service]);
      return {};
    },
  });
}

/** Creates dns.promises.lookup and dns.promises.lookupService on a source. */
export function lookupsWithPromise(source: CurrentSource): Lookups {
  return likeNodes(dns.promises, {
    lookup(hostname, ...args) {
      const names = source();
      if (!names || !isName(hostname)) return promises.lookup(hostname, ...args);
      return promises.lookup(ANY_ADDRESS, ...args).then(() => find(names, hostname, args[0]));
    },
    lookupService(...args) {
      const names = source();
      if (!names || args.length !== 2) return promises.lookupService(...args);
      const [address, port] = args;
      checkService([address, port, undefined], () => {});
      return findService(names, address, Number(port));
    },
  });
}

/** Copies the properties of Node's own functions, which util.promisify reads. */
function likeNodes(module: typeof dns | typeof dns.promises, lookups: Lookups): Lookups {
  for (const name of ['lookup', 'lookupService'] as const) {
    Object.defineProperties(lookups[name], Object.getOwnPropertyDescriptors(module[name]));
  }
  return lookups;
}

/**
 * Returns whether `hostname` is a name for the stack to look up. Node itself handles an IP address without a query, and refuses
 * what is no name. Throws for a NUL in a name, where Node 20 would cut it off.
 */
function isName(hostname: unknown): hostname is string {
  return typeof hostname === 'string' && hostname !== '' && isIP(checkString('hostname', hostname)) === 0;
}

function checkService(args: readonly unknown[], callback: unknown): void {
  try {
    lookupService(...args.map((arg, i) => (i === 2 && typeof arg === 'function' ? undefined : arg)));
  } catch (error) {
    const [address] = args;
    const { code } = error as { code?: unknown };
    // Node 20 converts the address to a string, which fails for a Symbol
    if (code === undefined) throw invalidType('address', 'a string', address);
    const isOfCallback = code === 'ERR_INVALID_ARG_TYPE' && typeof address === 'string' && isIP(address) !== 0;
    if (!isOfCallback || typeof callback !== 'function') throw error;
  }
}

function callBack<T>(callback: Callback, result: Promise<T>, values: (value: T) => unknown[]): void {
  // an error that a callback throws becomes an uncaught exception, not an unhandled rejection
  result.then(
    (value) => process.nextTick(callback, null, ...values(value)),
    (error: Error) => process.nextTick(callback, error),
  );
}

async function find(source: DnsSource, hostname: string, given: unknown): Promise<LookupAddress | LookupAddress[]> {
  const options = (typeof given === 'number' ? { family: given } : (given ?? {})) as LookupOptions;
  const family = FAMILIES.get(options.family) ?? AF_UNSPEC;
  const found = await source
    .lookup(hostname, family, (options.hints ?? 0) >>> 0)
    .catch((error) => Promise.reject(asNodes(error, 'getaddrinfo', hostname)));
  const inOrder = sorted(found, orderOf(options));
  return options.all ? inOrder : (inOrder[0] as LookupAddress);
}

async function findService(source: DnsSource, address: string, port: number) {
  const [hostname, service] = await source
    .lookupService(address, port)
    .catch((error) => Promise.reject(asNodes(error, 'getnameinfo', address)));
  return { hostname, service };
}

/** Returns the order of addresses: from the options, else from `dns.setDefaultResultOrder()` or `--dns-result-order`. */
function orderOf({ order, verbatim }: LookupOptions): string {
  return order ?? (verbatim == null ? dns.getDefaultResultOrder() : verbatim ? 'verbatim' : 'ipv4first');
}

function sorted(found: LookupAddress[], order: string): LookupAddress[] {
  if (order === 'verbatim') return found;
  const first = order === 'ipv4first' ? 4 : 6;
  return [...found.filter(({ family }) => family === first), ...found.filter(({ family }) => family !== first)];
}

/** Returns Node's error for an EAI_ number, and any other error, such as that of a stack, as it is. */
function asNodes(error: Error & Partial<Pick<GaiError, 'eai' | 'code'>>, syscall: string, hostname: string): Error {
  if (error.eai === undefined) return error;
  const name = EAI_NAMES.get(error.eai) ?? error.code;
  const [errno] = [...getSystemErrorMap()].find(([, [known]]) => known === name) ?? [];
  return errno === undefined ? error : withCause(nodeError(errno, syscall, hostname), error);
}
