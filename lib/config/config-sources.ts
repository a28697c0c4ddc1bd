import type { NetworkSettings } from '../dns/settings.js';

/** Where a part of the configuration came from. The order is that of precedence: where two disagree, the first wins. */
export const SOURCES = ['static', 'dhcp4', 'dhcp6', 'rd'] as const;
export type SourceName = (typeof SOURCES)[number];

export interface AddressEntry {
  /** AF_INET or AF_INET6. */
  family: number;
  address: string;
  prefixlen: number;
}

/** `destination` null: the default route; `gateway` null: on the link. */
export interface RouteEntry {
  family: number;
  destination: string | null;
  prefixlen: number;
  gateway: string | null;
}

/** What one source says that the interface shall have. */
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

/** The kernel has one route of a metric to a destination: the second is refused. */
export function destinationKey(route: Omit<RouteEntry, 'gateway'>): string {
  return `${route.family} ${route.destination ?? 'default'}/${route.prefixlen}`;
}
