import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { errno, libc } from '../../ffi/libc.js';
import {
  IFLA_IFNAME,
  IFLA_INFO_DATA,
  IFLA_INFO_KIND,
  IFLA_LINKINFO,
  IFLA_LINKMODE,
  IFLA_MTU,
  VETH_INFO_PEER,
} from '../constants/link.js';
import { ETH_P_ALL, IFF_NOARP, IFF_UP, PACKET_OUTGOING, PACKET_QDISC_BYPASS } from '../constants/packet.js';
import {
  AF_PACKET,
  SO_ATTACH_FILTER,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from '../constants/socket.js';
import { IS_LITTLE_ENDIAN, intBytes, viewOf } from '../core/byte-order.js';
import { systemError } from '../core/errors.js';
import { msocket } from '../io/msocket.js';
import { duplicateOf } from '../io/open-descriptor.js';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL } from '../netlink/constants.js';
import { FIRST_WIRE_INDEX, VDE_MTU_MAX } from '../netlink/link.js';
import { encodeAttributes, ifinfomsg } from '../netlink/message.js';
import { request } from '../netlink/request.js';

/** Room for a VLAN tag in two: a frame may be longer than the MTU by one. */
const OTHER_END_MTU = VDE_MTU_MAX + 4;
/** IF_LINK_MODE_DORMANT of linux/if.h. */
const DORMANT = 1;
/** For half a second of frames that the thread has not read; what the kernel gives is mostly less: net.core.rmem_max. */
const RECEIVE_BUFFER = 4 << 20;

/** The packet sockets at a veth pair. libioth does not count them. */
export interface WireSockets {
  /** Gets what the interface sends. */
  readonly receiver: number;
  /** Sends to the interface. */
  readonly sender: number;
}

/**
 * Makes a veth pair in a stack: an interface, and an end that is for the wire.
 *
 * The wire's end is in the same namespace, and the kernel would take it for an interface of the stack: it would answer ARP, and
 * send to multicast groups there. So it has no ARP, and is dormant: IPv6 does not use it then.
 * @param ifindex the index of the interface
 * @param position the number of the interface among those that join networks, from 0
 * @returns the index of the other end
 * @throws {IothError} ENOTSUP if the kernel has no veth; EEXIST
 */
export function addVeth(stack: StackPointer, ifname: string, ifindex: number, position: number): number {
  const other = FIRST_WIRE_INDEX + position;
  const peer = encodeAttributes([
    [IFLA_IFNAME, `vdewire${position}`],
    [IFLA_MTU, OTHER_END_MTU],
    [IFLA_LINKMODE, Buffer.of(DORMANT)],
  ]);
  const data = [[VETH_INFO_PEER, Buffer.concat([ifinfomsg(other), peer])]] as const;
  request(stack, 'RTM_NEWLINK', ifinfomsg(ifindex), {
    flags: NLM_F_ACK | NLM_F_EXCL | NLM_F_CREATE,
    attributes: [
      [IFLA_IFNAME, ifname],
      [
        IFLA_LINKINFO,
        [
          [IFLA_INFO_KIND, 'veth'],
          [IFLA_INFO_DATA, data],
        ],
      ],
    ],
  });
  const flags = IFF_UP | IFF_NOARP;
  request(stack, 'RTM_SETLINK', ifinfomsg(other, flags, flags));
  return other;
}

/** Opens the packet sockets at a pair. @throws {IothError} EMFILE, ENOBUFS */
export function openSockets(stack: StackPointer, ifname: string, ifindex: number, other: number): WireSockets {
  const receiver = packetSocket(stack, (fd) => {
    finishFrames(fd, ifname);
    takeOutgoing(fd);
    enlarge(fd);
    bind(fd, ETH_P_ALL, ifindex);
  });
  try {
    const sender = packetSocket(stack, (fd) => {
      // the queue of the interface begins a little later than the interface, and would drop the first frames
      setOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, intBytes(1));
      bind(fd, 0, other);
    });
    return { receiver, sender };
  } catch (error) {
    libc().close(receiver);
    throw error;
  }
}

export function closeSockets({ receiver, sender }: WireSockets): void {
  libc().close(receiver);
  libc().close(sender);
}

/** Returns a duplicate of a socket that libioth counts, and closes that one: the stack can be deleted while it is open. */
function packetSocket(stack: StackPointer, prepare: (fd: number) => void): number {
  const [counted, error] = msocket(stack, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (counted < 0) throw systemError(error, 'socket');
  try {
    prepare(counted);
    return duplicateOf(counted, 'fcntl');
  } finally {
    libioth().close(counted);
  }
}

// linux/sockios.h, linux/ethtool.h
const SIOCETHTOOL = 0x8946;
const ETHTOOL_STXCSUM = 0x17;
const ETHTOOL_STSO = 0x1f;
const ETHTOOL_SGSO = 0x24;
const ETHTOOL_SFLAGS = 0x26;
const IFREQ_SIZE = 40;
const IFREQ_DATA = 16;

/**
 * Makes the kernel finish each frame before the interface sends it: checksums, segments, VLAN tags. Otherwise it would leave
 * that to the receiver, since a veth pair is inside one machine.
 */
function finishFrames(fd: number, ifname: string): void {
  for (const command of [ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SFLAGS]) {
    withPointer(intBytes(command, 0), (pointer) => {
      const ifreq = Buffer.alloc(IFREQ_SIZE);
      ifreq.write(ifname);
      viewOf(ifreq).setBigUint64(IFREQ_DATA, pointer, IS_LITTLE_ENDIAN);
      if (libc().ioctl_into(fd, SIOCETHTOOL, ifreq) < 0) throw systemError(errno(), 'SIOCETHTOOL');
    });
  }
}

// linux/filter.h, as pairs of (code, jt, jf) and k
const LOAD_BYTE = 0x30;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** SKF_AD_OFF + SKF_AD_PKTTYPE. */
const PACKET_TYPE = 0xfffff004;
const INSTRUCTION_SIZE = 8;
const SOCK_FPROG_SIZE = 16;
const SOCK_FPROG_FILTER = 8;
const OUTGOING_ONLY = [
  [LOAD_BYTE, 0, 0, PACKET_TYPE],
  [JUMP_IF_EQUAL, 0, 1, PACKET_OUTGOING],
  [RETURN, 0, 0, 0xffff],
  [RETURN, 0, 0, 0],
] as const;

/**
 * Makes a packet socket take only what its interface sends. The frames are read there and not at the other end, where the kernel
 * has taken the VLAN tags off.
 */
function takeOutgoing(fd: number): void {
  const program = Buffer.concat(
    OUTGOING_ONLY.map(([code, jt, jf, k]) => {
      const instruction = Buffer.alloc(INSTRUCTION_SIZE);
      viewOf(instruction).setUint16(0, code, IS_LITTLE_ENDIAN);
      instruction[2] = jt;
      instruction[3] = jf;
      viewOf(instruction).setUint32(4, k, IS_LITTLE_ENDIAN);
      return instruction;
    }),
  );
  withPointer(program, (pointer) => {
    // struct sock_fprog: unsigned short len; struct sock_filter *filter
    const fprog = Buffer.alloc(SOCK_FPROG_SIZE);
    viewOf(fprog).setUint16(0, OUTGOING_ONLY.length, IS_LITTLE_ENDIAN);
    viewOf(fprog).setBigUint64(SOCK_FPROG_FILTER, pointer, IS_LITTLE_ENDIAN);
    setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog);
  });
}

/** Lends C a copy of bytes whose address stands in a struct. */
function withPointer(bytes: Uint8Array, use: (pointer: bigint) => void): void {
  const pointer = libc().malloc(bytes.length);
  try {
    libc().memcpy(pointer, bytes, bytes.length);
    use(pointer);
  } finally {
    libc().free(pointer);
  }
}

function enlarge(fd: number): void {
  const size = intBytes(RECEIVE_BUFFER);
  // root of the machine may go beyond net.core.rmem_max
  if (libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length) === 0) return;
  libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, size.length);
}

function setOption(fd: number, level: number, name: number, value: Uint8Array): void {
  if (libc().setsockopt(fd, level, name, value, value.length) < 0) throw systemError(errno(), 'setsockopt');
}

const SOCKADDR_LL_SIZE = 20;

function bind(fd: number, protocol: number, ifindex: number): void {
  // struct sockaddr_ll: family, then the protocol in network order, and the index
  const address = Buffer.alloc(SOCKADDR_LL_SIZE);
  viewOf(address).setUint16(0, AF_PACKET, IS_LITTLE_ENDIAN);
  address.writeUInt16BE(protocol, 2);
  address.set(intBytes(ifindex), 4);
  if (libioth().bind(fd, address, address.length) < 0) throw systemError(errno(), 'bind');
}
