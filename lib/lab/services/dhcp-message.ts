import { ANY4, ipText } from '../../address/ip.js';
import {
  BOOTREPLY,
  BOOTREQUEST,
  DHCPNAK,
  type Dhcp4Message,
  type Dhcp4Options,
  decodeMessage,
  encodeMessage,
} from '../../config/dhcp4/message.js';

/** A decoded message of a client. An address is '0.0.0.0' for none. */
export interface ReceivedRequest extends Pick<Dhcp4Message, 'type' | 'xid' | 'flags' | 'chaddr' | 'options'> {
  readonly ciaddr: string;
  readonly giaddr: string;
}

/** The reply of a server. */
export interface ServerReply {
  readonly type: number;
  /** '0.0.0.0' for none. */
  readonly yiaddr: string;
  readonly options: Dhcp4Options;
}

const BROADCAST_FLAG = 0x8000;

/** Decodes a client's message. Returns null if it is malformed. */
export function decodeRequest(bytes: Uint8Array): ReceivedRequest | null {
  const message = decodeMessage(BOOTREQUEST, bytes);
  return message && { ...message, ciaddr: ipText(message.ciaddr), giaddr: ipText(message.giaddr) };
}

/** Encodes a reply, with the fields of RFC 2131, 4.3.1, table 3. */
export function encodeReply({ xid, flags, ciaddr, giaddr, chaddr }: ReceivedRequest, reply: ServerReply): Uint8Array {
  const { type, yiaddr, options } = reply;
  const fields = { op: BOOTREPLY, type, xid, yiaddr, giaddr, chaddr } as const;
  if (type !== DHCPNAK) return encodeMessage({ ...fields, flags, ciaddr }, options);
  // RFC 2131, 4.3.2: a relay must broadcast a DHCPNAK
  const broadcast = giaddr === ANY4 ? flags : flags | BROADCAST_FLAG;
  return encodeMessage({ ...fields, flags: broadcast, ciaddr: ANY4 }, options);
}
