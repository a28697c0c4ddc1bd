/** What DHCP or router discovery told about names. */
export interface NetworkSettings {
  /** Addresses, a link-local one with its zone: 'fe80::1%vde0'. */
  readonly servers: readonly string[];
  /** Domains to search, without a dot at the end. */
  readonly search: readonly string[];
}
