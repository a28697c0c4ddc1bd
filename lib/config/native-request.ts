import { IOTHCONF_DHCP, IOTHCONF_DHCPV6, IOTHCONF_ETH, IOTHCONF_RD, IOTHCONF_STATIC } from '../constants/index.js';
import type { ConfigRequest, StaticItem } from './language.js';

type Flag = [bit: number, item: string];

const NETWORK: Flag[] = [
  [IOTHCONF_RD, 'rd'],
  [IOTHCONF_DHCPV6, 'dhcp6'],
  [IOTHCONF_DHCP, 'dhcp'],
];
const FLAGS: Flag[] = [[IOTHCONF_ETH, 'eth'], ...NETWORK];

/** Formats a request for ioth_config(3). */
export function requestText(request: ConfigRequest, ifindex: number): string {
  const { configure, clean, fqdn, mac, slaac, debug, statics } = request;
  const flags = (mask: number) => FLAGS.filter(([bit]) => mask & bit).map(([, item]) => item);
  return [
    `ifindex=${ifindex}`,
    ...(clean & IOTHCONF_STATIC ? ['-static'] : []),
    ...flags(clean).map((item) => `-${item}`),
    ...(fqdn === undefined ? [] : [`fqdn=${fqdn}`]),
    ...(mac === undefined ? [] : [`mac=${mac}`]),
    ...flags(configure),
    ...(slaac ? ['slaac'] : []),
    ...statics.map(itemText),
    ...(debug ? ['debug'] : []),
  ].join(',');
}

/** Returns the protocols in a mask, by C's names. */
export function protocolsOf(mask: number): string[] {
  return NETWORK.filter(([bit]) => mask & bit).map(([, item]) => item);
}

function itemText(item: StaticItem): string {
  const value = item.item === 'domain' ? item.name : item.address;
  const prefixlen = item.item === 'ip' ? `/${item.prefixlen}` : '';
  return `${item.remove ? '-' : ''}${item.item}=${value}${prefixlen}`;
}
