import { isIPv4, isIPv6 } from 'node:net';
import { isPlainDomainName } from '../address/domain-name.js';
import { INTERFACE_NAME, isInterfaceName } from '../address/interface-name.js';
import { ipBytes, ipText, isLinkLocalIPv6, withoutZone, zoneOf } from '../address/ip.js';
import { IOTHCONF_DHCP, IOTHCONF_DHCPV6, IOTHCONF_ETH, IOTHCONF_RD, IOTHCONF_STATIC } from '../constants/index.js';
import { AF_INET, AF_INET6 } from '../constants/socket.js';
import { checkString, INT_MAX, invalidValue } from '../core/validate.js';
import { type Option, stropt } from './stropt.js';

type IpFamily = typeof AF_INET | typeof AF_INET6;

/** Item of the static configuration; `remove` is true for the form with a minus. */
export type StaticItem =
  | { item: 'ip'; remove: boolean; family: IpFamily; address: string; prefixlen: number }
  | { item: 'gw'; remove: boolean; family: IpFamily; address: string }
  | { item: 'dns'; remove: boolean; family: IpFamily; address: string }
  | { item: 'domain'; remove: boolean; name: string };

/** The interface, if the string names none. */
export const DEFAULT_INTERFACE = 'vde0';
/** Items that ask a router, a DHCP or a DHCPv6 server. */
export const NETWORK_FLAGS = IOTHCONF_DHCP | IOTHCONF_DHCPV6 | IOTHCONF_RD;

/** Parsed configuration string; iothconf(3) describes the items. */
export interface ConfigRequest {
  /** newstackc only. */
  stack?: string;
  /** newstackc only. */
  vnl?: string;
  iface?: string;
  ifindex?: number;
  fqdn?: string;
  /** 'aa:bb:cc:dd:ee:ff', lower case. */
  mac?: string;
  /** The items to configure: a mask of IOTHCONF_*. */
  configure: number;
  /** The items to remove first: a mask of IOTHCONF_*. */
  clean: number;
  /** True to make addresses from the prefixes of routers. */
  slaac: boolean;
  /** True if DHCPv6 follows the flags of the router: `auto` and `auto6`, without `dhcp6`. */
  heedsRouter: boolean;
  /** True to ignore the routes from the network; `nonames`: its name servers and domains. */
  noroutes: boolean;
  nonames: boolean;
  debug: boolean;
  statics: StaticItem[];
}

const DEFAULT_PREFIXLEN: Record<IpFamily, number> = { [AF_INET]: 24, [AF_INET6]: 64 };
const ADDRESS_BITS: Record<IpFamily, number> = { [AF_INET]: 32, [AF_INET6]: 128 };

const AUTO4 = IOTHCONF_ETH | IOTHCONF_DHCP;
const AUTO6 = IOTHCONF_ETH | IOTHCONF_DHCPV6 | IOTHCONF_RD;
const AUTO = AUTO4 | AUTO6;

const FLAGS: Record<string, number> = {
  eth: IOTHCONF_ETH,
  dhcp: IOTHCONF_DHCP,
  dhcp4: IOTHCONF_DHCP,
  dhcpv4: IOTHCONF_DHCP,
  dhcp6: IOTHCONF_DHCPV6,
  dhcpv6: IOTHCONF_DHCPV6,
  rd: IOTHCONF_RD,
  rd6: IOTHCONF_RD,
  auto: AUTO,
  auto4: AUTO4,
  autov4: AUTO4,
  auto6: AUTO6,
  autov6: AUTO6,
};
/** Items whose DHCPv6 follows the router. */
const AUTO6_TAGS = ['auto', 'auto6', 'autov6'];
const CLEAN_FLAGS: Record<string, number> = { ...FLAGS, static: IOTHCONF_STATIC, all: AUTO };

/** Function of iothconf(3) that a string is for: each accepts different items. */
export type Dialect = 'config' | 'newstackc' | 'resolvconf';

/** Returns an empty request. */
export function emptyRequest(): ConfigRequest {
  const flags = { slaac: false, heedsRouter: false, noroutes: false, nonames: false, debug: false };
  return { configure: 0, clean: 0, ...flags, statics: [] };
}

/**
 * Parses a configuration string of iothconf(3).
 * @throws {TypeError} ERR_INVALID_ARG_VALUE, with the name of an unknown or malformed item
 */
export function parseConfig(config: string, dialect: Dialect = 'config'): ConfigRequest {
  checkString('config', config);
  const request = emptyRequest();
  const options = stropt(config);
  for (const option of options) parseItem(request, option, dialect);
  const asksDhcp6 = options.filter(({ tag }) => Object.hasOwn(FLAGS, tag) && FLAGS[tag]! & IOTHCONF_DHCPV6);
  request.heedsRouter = asksDhcp6.length > 0 && asksDhcp6.every(({ tag }) => AUTO6_TAGS.includes(tag));
  if (dialect === 'newstackc' && request.stack === undefined) {
    const expected = "a configuration that names the plugin, as in 'stack=vdestack,vnl=vde:///tmp/sw,eth'";
    throw invalidValue('stack', expected, config);
  }
  return request;
}

const ITEMS_WITH_VALUE = ['iface', 'ifindex', 'fqdn', 'mac', 'macaddr', 'ip', 'gw', 'dns', 'domain'];

/** Returns whether a string is a configuration and not the name of a stack: 'vdestack' and 'vdestack,option' are names. */
export function isStackConfig(text: string): boolean {
  const options = stropt(text);
  if (options.some(({ tag, value }) => value !== null && (tag === 'stack' || tag === 'vnl'))) return true;
  // a configuration without stack and vnl, such as 'eth,ip=10.0.0.1/24': no plugin has such a name
  const [first] = options;
  return (
    first !== undefined &&
    (first.value === null ? Object.hasOwn(FLAGS, first.tag) : ITEMS_WITH_VALUE.includes(first.tag))
  );
}

/** Returns whether a request asks a router, a DHCP or a DHCPv6 server. */
export function asksNetwork(request: ConfigRequest): boolean {
  return (request.configure & NETWORK_FLAGS) !== 0;
}

function parseItem(request: ConfigRequest, option: Option, dialect: Dialect): void {
  const { tag } = option;
  if (tag === 'iface') {
    request.iface = interfaceName(option);
  } else if (tag === 'ifindex') {
    request.ifindex = interfaceIndex(option);
  } else if (dialect === 'resolvconf') {
    throw invalidItem(option, 'one of iface=… and ifindex=…');
  } else if (tag === 'stack' || tag === 'vnl') {
    if (dialect !== 'newstackc') throw invalidItem(option, 'used only for a new stack');
    // C joins the last network only, and says nothing
    if (request[tag] !== undefined) throw invalidItem(option, `the only ${tag}= of the configuration`);
    request[tag] = option.value ?? '';
  } else if (tag === 'fqdn') {
    request.fqdn = domainName(option);
  } else if (tag === 'mac' || tag === 'macaddr') {
    request.mac = macAddress(option);
  } else if (tag === 'slaac' || tag === 'noroutes' || tag === 'nonames' || tag === 'debug') {
    request[tag] = flag(option);
  } else if (Object.hasOwn(FLAGS, tag)) {
    flag(option);
    request.configure |= FLAGS[tag]!;
  } else if (tag.startsWith('-') && Object.hasOwn(CLEAN_FLAGS, tag.slice(1))) {
    flag(option);
    request.clean |= CLEAN_FLAGS[tag.slice(1)]!;
  } else {
    request.statics.push(staticItem(option));
    request.configure |= IOTHCONF_STATIC;
  }
}

function staticItem(option: Option): StaticItem {
  const remove = option.tag.startsWith('-');
  const item = remove ? option.tag.slice(1) : option.tag;
  switch (item) {
    case 'ip':
      return { item, remove, ...interfaceAddress(option) };
    case 'gw':
      return { item, remove, ...ipAddress(option, option.value ?? '') };
    case 'dns':
      return { item, remove, ...serverAddress(option, option.value ?? '') };
    case 'domain':
      return { item, remove, name: domainName(option) };
    default:
      throw invalidItem(option, 'an item of iothconf(3)');
  }
}

function flag(option: Option): true {
  if (option.value !== null) throw invalidItem(option, 'written without a value');
  return true;
}

function interfaceName(option: Option): string {
  const name = option.value ?? '';
  if (!isInterfaceName(name)) throw invalidItem(option, `iface=NAME, with ${INTERFACE_NAME}`);
  return name;
}

function interfaceIndex(option: Option): number {
  const index = /^\d{1,10}$/.test(option.value ?? '') ? Number(option.value) : 0;
  if (index < 1 || index > INT_MAX) throw invalidItem(option, `ifindex=N, with N from 1 to ${INT_MAX}`);
  return index;
}

function macAddress(option: Option): string {
  const digits = /^[\da-f]{1,2}([:-])(?:[\da-f]{1,2}\1){4}[\da-f]{1,2}$/i.exec(option.value ?? '');
  const bytes = digits ? option.value!.split(digits[1]!).map((byte) => byte.toLowerCase().padStart(2, '0')) : [];
  // the lowest bit of the first byte marks multicast: no interface can have such an address
  if (bytes.length !== 6 || Number.parseInt(bytes[0]!, 16) & 1) {
    throw invalidItem(option, `${option.tag}=xx:xx:xx:xx:xx:xx, not a multicast address`);
  }
  return bytes.join(':');
}

/** Parses a domain name; removes a dot at the end. */
function domainName(option: Option): string {
  const name = (option.value ?? '').replace(/\.$/, '');
  if (!isPlainDomainName(name)) {
    throw invalidItem(option, `${option.tag}=NAME, a domain name`);
  }
  return name;
}

function interfaceAddress(option: Option): { family: IpFamily; address: string; prefixlen: number } {
  const [text = '', length, ...rest] = (option.value ?? '').split('/');
  const { family, address } = ipAddress(option, text);
  const bits = ADDRESS_BITS[family];
  const prefixlen = length === undefined ? DEFAULT_PREFIXLEN[family] : /^\d{1,3}$/.test(length) ? Number(length) : 0;
  if (rest.length > 0 || prefixlen < 1 || prefixlen > bits) {
    throw invalidItem(option, `${option.tag}=ADDRESS/N, with N from 1 to ${bits}`);
  }
  return { family, address, prefixlen };
}

/** Parses a name server. A link-local one may have a zone; the default is the interface of the string. */
function serverAddress(option: Option, text: string): { family: IpFamily; address: string } {
  const { family, address } = ipAddress(option, withoutZone(text));
  if (!text.includes('%')) return { family, address };
  const zone = zoneOf(text);
  if (!isLinkLocalIPv6(ipBytes(address)) || !isInterfaceName(zone)) {
    throw invalidItem(option, `${option.tag}=ADDRESS, with %INTERFACE only after a link-local one`);
  }
  return { family, address: `${address}%${zone}` };
}

function ipAddress(option: Option, text: string): { family: IpFamily; address: string } {
  if (isIPv4(text)) return { family: AF_INET, address: text };
  // isIPv6 accepts a zone, but 'fe80::1%eth0' needs none here: the interface is known. The canonical form lets `-ip`
  // remove what `ip` added in another spelling
  if (isIPv6(text) && !text.includes('%')) return { family: AF_INET6, address: ipText(ipBytes(text)) };
  throw invalidItem(option, `${option.tag}=ADDRESS, an IPv4 or IPv6 address`);
}

function invalidItem({ tag, value }: Option, expected: string): TypeError {
  return invalidValue(`config item '${value === null ? tag : `${tag}=${value}`}'`, expected, value ?? tag);
}
