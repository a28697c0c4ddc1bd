import type { NetworkSettings } from '../dns/settings.js';

/** Sources of configuration, in order of precedence: if two disagree, the first wins. */
export const SOURCES = ['static', 'dhcp4', 'dhcp6', 'rd'] as const;
export type SourceName = (typeof SOURCES)[number];

export interface AddressEntry {
  /** AF_INET or AF_INET6. */
  family: number;
  address: string;
  prefixlen: number;
}

/** Route of an interface. `destination` null: the default route. `gateway` null: on the link. */
export interface RouteEntry {
  family: number;
  destination: string | null;
  prefixlen: number;
  gateway: string | null;
}

/** Configuration that one source wants for the interface. */
export interface SourceConfig extends NetworkSettings {
  addresses: AddressEntry[];
  routes: RouteEntry[];
  mtu: number | null;
}

export function emptySource(): SourceConfig {
  return { addresses: [], routes: [], servers: [], search: [], mtu: null };
}

export function addressKey({ family, address, prefixlen }: AddressEntry): string {
  return `${family} ${address}/${prefixlen}`;
}

export function routeKey({ gateway, ...route }: RouteEntry): string {
  return `${destinationKey(route)} via ${gateway}`;
}

export function mtuKey(mtu: number | null): string {
  return `mtu ${mtu}`;
}

/** Returns the key of a destination. The kernel accepts one route per destination and metric, and refuses a second. */
export function destinationKey(route: Omit<RouteEntry, 'gateway'>): string {
  return `${route.family} ${route.destination ?? 'default'}/${route.prefixlen}`;
}
