import os from 'node:os';
import * as constants from '../constants/index.js';
import { IothError } from '../core/errors.js';
import { textIfReadable } from '../core/files.js';
import { checkString } from '../core/validate.js';
import { readLines } from './text-lines.js';

/** That of Node: inside `stack.run` os.hostname() is the name of the stack's host. */
const { hostname } = os;

/** Returns the name of this machine: gethostname(2). */
export function gethostname(): string {
  return hostname();
}

/**
 * Returns the number of an IP protocol, like getprotobyname(3): from /etc/protocols, else from the IPPROTO_ constants.
 * @param name 'tcp', 'ipv6-icmp' …
 * @throws {IothError} ENOENT if no protocol has the name
 */
export function getprotobyname(name: string): number {
  const protocol = checkString('name', name);
  const found = protocolsOfFile().get(protocol) ?? protocolOfConstants(protocol);
  if (found === undefined) {
    throw new IothError('ENOENT', { syscall: 'getprotobyname', hint: `no protocol is called '${protocol}'` });
  }
  return found;
}

/** Reads protocols(5): a name, a number, aliases. */
function protocolsOfFile(): Map<string, number> {
  const numbers = new Map<string, number>();
  // not every machine has the file (package netbase)
  readLines(textIfReadable('/etc/protocols'), /#.*/, ([name = '', digits = '', ...aliases]) => {
    if (!/^\d{1,3}$/.test(digits)) return [];
    for (const one of [name, ...aliases]) if (!numbers.has(one)) numbers.set(one, Number(digits));
    return [];
  });
  return numbers;
}

function protocolOfConstants(name: string): number | undefined {
  const key = `IPPROTO_${name.toUpperCase()}`;
  return Object.hasOwn(constants, key) ? (constants as Record<string, number>)[key] : undefined;
}
