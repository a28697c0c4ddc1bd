// Bits of the result of iothconfig (iothconf.h)
export const IOTHCONF_STATIC = 1 << 0;
export const IOTHCONF_ETH = 1 << 1;
export const IOTHCONF_DHCP = 1 << 2;
export const IOTHCONF_DHCPV6 = 1 << 3;
export const IOTHCONF_RD = 1 << 4;
/** A bit of ioth alone: the stack refused a part of a lease. The event of the lease names that part. */
export const IOTHCONF_INCOMPLETE = 1 << 8;
