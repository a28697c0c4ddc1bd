/** An address as it comes out, in Node's own form. */
export interface Address {
  family: 'IPv4' | 'IPv6' | 'Unix' | 'Packet' | 'Netlink';
  address: string;
  port: number;
}
