import { isIPv4, isIPv6 } from 'node:net';
import { checkInteger, checkPort, checkString, invalidType, invalidValue, UINT_MAX } from '../core/validate.js';

/** The parts of an IP address input. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
  readonly flowinfo: number;
  /** The interface, by index (0 for none) or name. */
  readonly scopeid: number | string;
}

const FORMS = "[host, port], { host, port }, { address, port } or 'host:port', as '10.0.0.1:80' or '[fd00::1]:80'";

/** Returns the host and the port of an IP address input, checked for type and range. The host may still be a name. */
export function hostAndPort(name: string, input: unknown): HostAndPort {
  if (typeof input === 'string') return splitText(name, input);
  if (Array.isArray(input)) return checkParts(name, input[0], input[1], input[2], input[3]);
  if (typeof input !== 'object' || input === null || !('port' in input)) throw invalidType(name, FORMS, input);
  const { host, address, port, flowinfo, scopeid } = input as Record<string, unknown>;
  if (host === undefined && address === undefined) throw invalidType(name, FORMS, input);
  if (host !== undefined && address !== undefined && host !== address) {
    throw invalidValue(name, 'an object with host or address, not both', input);
  }
  return checkParts(name, host ?? address, port, flowinfo, scopeid);
}

function checkParts(name: string, host: unknown, port: unknown, flowinfo: unknown, scopeid: unknown): HostAndPort {
  return {
    host: checkString(`${name} host`, host),
    port: checkPort(`${name} port`, port),
    flowinfo: flowinfo === undefined ? 0 : checkInteger(`${name} flowinfo`, flowinfo, 0, 0xfffff),
    scopeid: scopeid === undefined ? 0 : checkScope(`${name} scopeid`, scopeid),
  };
}

function checkScope(name: string, scopeid: unknown): number | string {
  return typeof scopeid === 'string' ? checkString(name, scopeid) : checkInteger(name, scopeid, 0, UINT_MAX);
}

/** Splits 'host:port'. An IPv6 address is in brackets (RFC 3986, 3.2.2). */
function splitText(name: string, input: string): HostAndPort {
  const text = checkString(name, input);
  if (isIPv6(text)) {
    // 'fd00::1:80' is an address too
    throw invalidValue(name, `a host with a port, and an IPv6 address in brackets, as '[${text}]:80'`, text);
  }
  const [, bracketed, plain = '', digits] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  if (digits === undefined) {
    const isBare = isIPv4(text) || /^[\w.-]+$/.test(text);
    throw invalidValue(name, isBare ? `a host with its port, as '${text}:80'` : FORMS, text);
  }
  if (bracketed !== undefined && !bracketed.includes(':')) {
    throw invalidValue(name, 'an IPv6 address in the brackets', text);
  }
  return { host: bracketed ?? plain, port: checkPort(`${name} port`, Number(digits)), flowinfo: 0, scopeid: 0 };
}
