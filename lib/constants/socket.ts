/**
 * Families, types, levels, options and flags of sockets: socket(2), socket(7), unix(7).
 *
 * The numbers are those of x86, ARM and RISC-V (asm-generic); MIPS, PA-RISC and SPARC have other SO_ numbers.
 */

// Address families
export const AF_UNSPEC = 0;
export const AF_LOCAL = 1;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_AX25 = 3;
export const AF_IPX = 4;
export const AF_APPLETALK = 5;
export const AF_NETROM = 6;
export const AF_BRIDGE = 7;
export const AF_ATMPVC = 8;
export const AF_X25 = 9;
export const AF_INET6 = 10;
export const AF_ROSE = 11;
export const AF_DECnet = 12;
export const AF_NETBEUI = 13;
export const AF_SECURITY = 14;
export const AF_KEY = 15;
export const AF_NETLINK = 16;
export const AF_ROUTE = 16;
export const AF_PACKET = 17;
export const AF_ASH = 18;
export const AF_ECONET = 19;
export const AF_ATMSVC = 20;
export const AF_RDS = 21;
export const AF_SNA = 22;
export const AF_IRDA = 23;
export const AF_PPPOX = 24;
export const AF_WANPIPE = 25;
export const AF_LLC = 26;
export const AF_IB = 27;
export const AF_MPLS = 28;
export const AF_CAN = 29;
export const AF_TIPC = 30;
export const AF_BLUETOOTH = 31;
export const AF_IUCV = 32;
export const AF_RXRPC = 33;
export const AF_ISDN = 34;
export const AF_PHONET = 35;
export const AF_IEEE802154 = 36;
export const AF_CAIF = 37;
export const AF_ALG = 38;
export const AF_NFC = 39;
export const AF_VSOCK = 40;
export const AF_KCM = 41;
export const AF_QIPCRTR = 42;
export const AF_SMC = 43;
export const AF_XDP = 44;
export const AF_MCTP = 45;

// Types of socket, and the flags that go with them: SOCK_STREAM | SOCK_CLOEXEC
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
export const SOCK_DCCP = 6;
export const SOCK_PACKET = 10;
export const SOCK_NONBLOCK = 2048;
export const SOCK_CLOEXEC = 524288;

// Levels of getsockopt and setsockopt; IPPROTO_* are levels too
export const SOL_IP = 0;
export const SOL_SOCKET = 1;
export const SOL_TCP = 6;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
export const SOL_ICMPV6 = 58;
export const SOL_CAN_BASE = 100;
export const SOL_CAN_RAW = 101;
export const SOL_RAW = 255;
export const SOL_DECNET = 261;
export const SOL_X25 = 262;
export const SOL_PACKET = 263;
export const SOL_ATM = 264;
export const SOL_AAL = 265;
export const SOL_IRDA = 266;
export const SOL_NETBEUI = 267;
export const SOL_LLC = 268;
export const SOL_DCCP = 269;
export const SOL_NETLINK = 270;
export const SOL_TIPC = 271;
export const SOL_RXRPC = 272;
export const SOL_PPPOL2TP = 273;
export const SOL_BLUETOOTH = 274;
export const SOL_PNPIPE = 275;
export const SOL_RDS = 276;
export const SOL_IUCV = 277;
export const SOL_CAIF = 278;
export const SOL_ALG = 279;
export const SOL_NFC = 280;
export const SOL_KCM = 281;
export const SOL_TLS = 282;
export const SOL_XDP = 283;
export const SOL_MPTCP = 284;
export const SOL_MCTP = 285;
export const SOL_SMC = 286;

// Options of level SOL_SOCKET
export const SO_DEBUG = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_BSDCOMPAT = 14;
export const SO_REUSEPORT = 15;
export const SO_PASSCRED = 16;
export const SO_PEERCRED = 17;
export const SO_RCVLOWAT = 18;
export const SO_SNDLOWAT = 19;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_GET_FILTER = 26;
export const SO_DETACH_BPF = 27;
export const SO_DETACH_FILTER = 27;
export const SO_PEERNAME = 28;
export const SO_TIMESTAMP = 29;
export const SO_ACCEPTCONN = 30;
export const SO_PEERSEC = 31;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_PASSSEC = 34;
export const SO_TIMESTAMPNS = 35;
export const SO_MARK = 36;
export const SO_TIMESTAMPING = 37;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_WIFI_STATUS = 41;
export const SO_PEEK_OFF = 42;
export const SO_NOFCS = 43;
export const SO_LOCK_FILTER = 44;
export const SO_SELECT_ERR_QUEUE = 45;
export const SO_BUSY_POLL = 46;
export const SO_MAX_PACING_RATE = 47;
export const SO_BPF_EXTENSIONS = 48;
export const SO_INCOMING_CPU = 49;
export const SO_ATTACH_BPF = 50;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_ATTACH_REUSEPORT_EBPF = 52;
export const SO_CNX_ADVICE = 53;
export const SO_MEMINFO = 55;
export const SO_INCOMING_NAPI_ID = 56;
export const SO_COOKIE = 57;
export const SO_PEERGROUPS = 59;
export const SO_ZEROCOPY = 60;
export const SO_TXTIME = 61;
export const SO_BINDTOIFINDEX = 62;
export const SO_DETACH_REUSEPORT_BPF = 68;
export const SO_PREFER_BUSY_POLL = 69;
export const SO_BUSY_POLL_BUDGET = 70;
export const SO_NETNS_COOKIE = 71;
export const SO_BUF_LOCK = 72;
export const SO_RESERVE_MEM = 73;
export const SO_TXREHASH = 74;
export const SO_RCVMARK = 75;
export const SO_PASSPIDFD = 76;
export const SO_PEERPIDFD = 77;
export const SO_DEVMEM_LINEAR = 78;
export const SO_DEVMEM_DMABUF = 79;
export const SO_DEVMEM_DONTNEED = 80;

// Values of SO_BUF_LOCK and SO_TXREHASH
export const SOCK_TXREHASH_DISABLED = 0;
export const SOCK_SNDBUF_LOCK = 1;
export const SOCK_TXREHASH_ENABLED = 1;
export const SOCK_RCVBUF_LOCK = 2;
export const SOCK_BUF_LOCK_MASK = 3;
export const SOCK_TXREHASH_DEFAULT = 255;

// Flags of SO_TIMESTAMPING
export const SOF_TIMESTAMPING_TX_HARDWARE = 0x0001;
export const SOF_TIMESTAMPING_TX_SOFTWARE = 0x0002;
export const SOF_TIMESTAMPING_RX_HARDWARE = 0x0004;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 0x0008;
export const SOF_TIMESTAMPING_SOFTWARE = 0x0010;
export const SOF_TIMESTAMPING_SYS_HARDWARE = 0x0020;
export const SOF_TIMESTAMPING_RAW_HARDWARE = 0x0040;
export const SOF_TIMESTAMPING_OPT_ID = 0x0080;
export const SOF_TIMESTAMPING_TX_SCHED = 0x0100;
export const SOF_TIMESTAMPING_TX_ACK = 0x0200;
export const SOF_TIMESTAMPING_OPT_CMSG = 0x0400;
export const SOF_TIMESTAMPING_OPT_TSONLY = 0x0800;
export const SOF_TIMESTAMPING_OPT_STATS = 0x1000;
export const SOF_TIMESTAMPING_OPT_PKTINFO = 0x2000;
export const SOF_TIMESTAMPING_OPT_TX_SWHW = 0x4000;
export const SOF_TIMESTAMPING_BIND_PHC = 0x8000;
export const SOF_TIMESTAMPING_OPT_ID_TCP = 0x10000;
export const SOF_TIMESTAMPING_OPT_RX_FILTER = 0x20000;

// Types of ancillary data of level SOL_SOCKET
export const SCM_CAN_RAW_ERRQUEUE = 1;
export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;
export const SCM_TIMESTAMP = 29;
export const SCM_TIMESTAMPNS = 35;
export const SCM_TIMESTAMPING = 37;
export const SCM_WIFI_STATUS = 41;
export const SCM_TIMESTAMPING_OPT_STATS = 54;
export const SCM_TIMESTAMPING_PKTINFO = 58;
export const SCM_TXTIME = 61;
export const SCM_DEVMEM_LINEAR = 78;
export const SCM_DEVMEM_DMABUF = 79;

// Kinds of time stamp in an extended error (ee_info)
export const SCM_TSTAMP_SND = 0;
export const SCM_TSTAMP_SCHED = 1;
export const SCM_TSTAMP_ACK = 2;

// Where an extended error comes from (ee_origin); see IP_RECVERR in ip(7)
export const SO_EE_ORIGIN_NONE = 0;
export const SO_EE_ORIGIN_LOCAL = 1;
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;
export const SO_EE_ORIGIN_TIMESTAMPING = 4;
export const SO_EE_ORIGIN_TXSTATUS = 4;
export const SO_EE_ORIGIN_ZEROCOPY = 5;
export const SO_EE_ORIGIN_TXTIME = 6;

// Flags of send and recv
export const MSG_OOB = 0x0001;
export const MSG_PEEK = 0x0002;
export const MSG_DONTROUTE = 0x0004;
export const MSG_CTRUNC = 0x0008;
export const MSG_PROXY = 0x0010;
export const MSG_TRUNC = 0x0020;
export const MSG_DONTWAIT = 0x0040;
export const MSG_EOR = 0x0080;
export const MSG_WAITALL = 0x0100;
export const MSG_FIN = 0x0200;
export const MSG_SYN = 0x0400;
export const MSG_CONFIRM = 0x0800;
export const MSG_RST = 0x1000;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_BATCH = 0x40000;
export const MSG_ZEROCOPY = 0x4000000;
export const MSG_FASTOPEN = 0x20000000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

// Directions of shutdown
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

// The longest backlog that listen can ask for
export const SOMAXCONN = 4096;
