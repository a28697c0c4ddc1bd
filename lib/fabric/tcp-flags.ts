/** The bits of TCP's flags: RFC 9293, 3.1. */
export const TCP_FLAGS = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

/** A flag of TCP. */
export type TcpFlag = keyof typeof TCP_FLAGS;
