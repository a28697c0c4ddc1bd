import { IPPROTO_TCP, IPPROTO_UDP } from '../../constants/inet.js';

/** The port of the server: RFC 6886, 3; RFC 6887, 19.1. */
export const PORT_MAPPING_PORT = 5351;

/** A request to map a port, of NAT-PMP (RFC 6886) or PCP (RFC 6887). */
export interface MapRequest {
  readonly kind: 'map';
  readonly protocol: 'tcp' | 'udp';
  readonly internalPort: number;
  /** The port that the client would like; 0 for any. */
  readonly suggestedPort: number;
  /** Seconds; 0 removes the mapping. */
  readonly lifetime: number;
}

/** A request for the address outside. */
export interface AddressRequest {
  readonly kind: 'address';
}

/** What a server grants: the port outside, and seconds. */
export interface Grant {
  readonly port: number;
  readonly lifetime: number;
}

/** Why it grants nothing. */
export type Refusal = 'not authorized' | 'no resources';

/** A request, and how to write its answer. */
export interface PortMappingDialog {
  readonly request: MapRequest | AddressRequest | undefined;
  /** @param epoch the seconds since the server began @param address the address outside, 4 bytes */
  answer(epoch: number, address: Uint8Array, result?: Grant | Refusal): Buffer;
}

const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = { [IPPROTO_TCP]: 'tcp', [IPPROTO_UDP]: 'udp' };
const RESPONSE = 128;

/**
 * Reads a request.
 * @param client the address that it came from, 4 bytes
 * @returns undefined if it deserves no answer
 */
export function readPortMapping(bytes: Buffer, client: Uint8Array): PortMappingDialog | undefined {
  // an answer of a server is no request: RFC 6886, 3.5
  if (bytes.length < 2 || bytes[1]! & RESPONSE) return undefined;
  if (bytes[0] === 0) return readNatPmp(bytes);
  if (bytes[0] === 2) return readPcp(bytes, client);
  // RFC 6887, 9: a version that it does not know gets the version that it does
  const code = PCP_RESULTS.version;
  return { request: undefined, answer: (epoch) => pcpHeader(bytes, code, 0, epoch) };
}

// RFC 6886, 3.5
const NAT_PMP_RESULTS = { 'not authorized': 2, 'no resources': 4, opcode: 5 } as const;
const NAT_PMP_PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = { 1: 'udp', 2: 'tcp' };

function readNatPmp(bytes: Buffer): PortMappingDialog | undefined {
  const opcode = bytes[1]!;
  const header = (result: number, epoch: number, size: number) => {
    const answer = Buffer.alloc(size);
    answer[1] = RESPONSE + opcode;
    answer.writeUInt16BE(result, 2);
    answer.writeUInt32BE(epoch, 4);
    return answer;
  };
  if (opcode === 0) {
    const answer = (epoch: number, address: Uint8Array) => {
      const message = header(0, epoch, 12);
      message.set(address, 8);
      return message;
    };
    return { request: { kind: 'address' }, answer };
  }
  const protocol = NAT_PMP_PROTOCOLS[opcode];
  if (!protocol) return { request: undefined, answer: (epoch) => header(NAT_PMP_RESULTS.opcode, epoch, 8) };
  if (bytes.length < 12) return undefined;
  const [internalPort, suggestedPort] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
  return {
    request: { kind: 'map', protocol, internalPort, suggestedPort, lifetime: bytes.readUInt32BE(8) },
    answer: (epoch, _address, result) => {
      const isGranted = typeof result === 'object';
      const message = header(isGranted || !result ? 0 : NAT_PMP_RESULTS[result], epoch, 16);
      message.writeUInt16BE(internalPort, 8);
      message.writeUInt16BE(isGranted ? result.port : 0, 10);
      message.writeUInt32BE(isGranted ? result.lifetime : 0, 12);
      return message;
    },
  };
}

// RFC 6887, 7.4
const PCP_RESULTS = {
  version: 1,
  'not authorized': 2,
  malformed: 3,
  opcode: 4,
  option: 5,
  'no resources': 8,
  protocol: 9,
  mismatch: 12,
} as const;
const PCP_HEADER = 24;
const PCP_MAP = 36;
const MAX_PCP = 1100;
/** The seconds after which a client may ask again, after an error: RFC 6887, 7.4. */
const ERROR_LIFETIME = 30;
const IPV4_MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

function pcpHeader(request: Buffer, result: number, lifetime: number, epoch: number): Buffer {
  const answer = Buffer.alloc(PCP_HEADER);
  answer[0] = 2;
  answer[1] = RESPONSE | request[1]!;
  answer[3] = result;
  answer.writeUInt32BE(result === 0 ? lifetime : ERROR_LIFETIME, 4);
  answer.writeUInt32BE(epoch, 8);
  return answer;
}

function readPcp(bytes: Buffer, client: Uint8Array): PortMappingDialog | undefined {
  const opcode = bytes[1]!;
  const refuse = (result: keyof typeof PCP_RESULTS): PortMappingDialog => ({
    request: undefined,
    // RFC 6887, 8.3: an error repeats what it is about
    answer: (epoch) => Buffer.concat([pcpHeader(bytes, PCP_RESULTS[result], 0, epoch), bytes.subarray(PCP_HEADER)]),
  });
  if (bytes.length < PCP_HEADER || bytes.length > MAX_PCP || bytes.length % 4 !== 0) return undefined;
  if (!bytes.subarray(8, PCP_HEADER).equals(Buffer.concat([IPV4_MAPPED, client]))) return refuse('mismatch');
  if (opcode === 0) return { request: { kind: 'address' }, answer: (epoch) => pcpHeader(bytes, 0, 0, epoch) };
  if (opcode !== 1) return refuse('opcode');
  const map = bytes.subarray(PCP_HEADER, PCP_HEADER + PCP_MAP);
  if (map.length < PCP_MAP) return refuse('malformed');
  // options from 128 on may be ignored: RFC 6887, 7.3
  if (hasMandatoryOption(bytes.subarray(PCP_HEADER + PCP_MAP))) return refuse('option');
  const protocol = PROTOCOLS[map[12]!];
  if (!protocol) return refuse('protocol');
  const [internalPort, suggestedPort] = [map.readUInt16BE(16), map.readUInt16BE(18)];
  return {
    request: { kind: 'map', protocol, internalPort, suggestedPort, lifetime: bytes.readUInt32BE(4) },
    answer: (epoch, address, result) => {
      if (typeof result === 'string') return refuse(result).answer(epoch, address);
      const message = Buffer.concat([pcpHeader(bytes, 0, result?.lifetime ?? 0, epoch), map]);
      message.writeUInt16BE(result?.port ?? 0, PCP_HEADER + 18);
      IPV4_MAPPED.copy(message, PCP_HEADER + 20);
      message.set(address, PCP_HEADER + 32);
      return message;
    },
  };
}

function hasMandatoryOption(options: Buffer): boolean {
  for (let at = 0; at + 4 <= options.length; ) {
    if (options[at]! < RESPONSE) return true;
    const length = options.readUInt16BE(at + 2);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return false;
}
