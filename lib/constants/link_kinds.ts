/**
 * Kinds of link: what goes in IFLA_INFO_DATA of iplink_add, by the name of the kind (linux/if_link.h, veth.h, if_tunnel.h).
 */

// vde (of ioth, not of the kernel): the VNL to join
export const IFLA_VDE_VNL = 1;

// veth
export const VETH_INFO_UNSPEC = 0;
export const VETH_INFO_PEER = 1;

// vlan
export const IFLA_VLAN_UNSPEC = 0;
export const IFLA_VLAN_ID = 1;
export const IFLA_VLAN_FLAGS = 2;
export const IFLA_VLAN_EGRESS_QOS = 3;
export const IFLA_VLAN_INGRESS_QOS = 4;
export const IFLA_VLAN_PROTOCOL = 5;

// In IFLA_VLAN_EGRESS_QOS and IFLA_VLAN_INGRESS_QOS
export const IFLA_VLAN_QOS_UNSPEC = 0;
export const IFLA_VLAN_QOS_MAPPING = 1;

// macvlan
export const IFLA_MACVLAN_UNSPEC = 0;
export const IFLA_MACVLAN_MODE = 1;
export const IFLA_MACVLAN_FLAGS = 2;
export const IFLA_MACVLAN_MACADDR_MODE = 3;
export const IFLA_MACVLAN_MACADDR = 4;
export const IFLA_MACVLAN_MACADDR_DATA = 5;
export const IFLA_MACVLAN_MACADDR_COUNT = 6;
export const IFLA_MACVLAN_BC_QUEUE_LEN = 7;
export const IFLA_MACVLAN_BC_QUEUE_LEN_USED = 8;
export const IFLA_MACVLAN_BC_CUTOFF = 9;

// Values of IFLA_MACVLAN_MODE
export const MACVLAN_MODE_PRIVATE = 1;
export const MACVLAN_MODE_VEPA = 2;
export const MACVLAN_MODE_BRIDGE = 4;
export const MACVLAN_MODE_PASSTHRU = 8;
export const MACVLAN_MODE_SOURCE = 16;

// Values of IFLA_MACVLAN_MACADDR_MODE
export const MACVLAN_MACADDR_ADD = 0;
export const MACVLAN_MACADDR_DEL = 1;
export const MACVLAN_MACADDR_FLUSH = 2;
export const MACVLAN_MACADDR_SET = 3;

// Values of IFLA_MACVLAN_FLAGS
export const MACVLAN_FLAG_NOPROMISC = 1;
export const MACVLAN_FLAG_NODST = 2;

// vrf
export const IFLA_VRF_UNSPEC = 0;
export const IFLA_VRF_TABLE = 1;

// A port of a vrf: IFLA_INFO_SLAVE_DATA
export const IFLA_VRF_PORT_UNSPEC = 0;
export const IFLA_VRF_PORT_TABLE = 1;

// macsec
export const IFLA_MACSEC_UNSPEC = 0;
export const IFLA_MACSEC_SCI = 1;
export const IFLA_MACSEC_PORT = 2;
export const IFLA_MACSEC_ICV_LEN = 3;
export const IFLA_MACSEC_CIPHER_SUITE = 4;
export const IFLA_MACSEC_WINDOW = 5;
export const IFLA_MACSEC_ENCODING_SA = 6;
export const IFLA_MACSEC_ENCRYPT = 7;
export const IFLA_MACSEC_PROTECT = 8;
export const IFLA_MACSEC_INC_SCI = 9;
export const IFLA_MACSEC_ES = 10;
export const IFLA_MACSEC_SCB = 11;
export const IFLA_MACSEC_REPLAY_PROTECT = 12;
export const IFLA_MACSEC_VALIDATION = 13;
export const IFLA_MACSEC_PAD = 14;
export const IFLA_MACSEC_OFFLOAD = 15;

// Values of IFLA_MACSEC_VALIDATION
export const MACSEC_VALIDATE_DISABLED = 0;
export const MACSEC_VALIDATE_CHECK = 1;
export const MACSEC_VALIDATE_STRICT = 2;

// Values of IFLA_MACSEC_OFFLOAD
export const MACSEC_OFFLOAD_OFF = 0;
export const MACSEC_OFFLOAD_PHY = 1;
export const MACSEC_OFFLOAD_MAC = 2;

// xfrm
export const IFLA_XFRM_UNSPEC = 0;
export const IFLA_XFRM_LINK = 1;
export const IFLA_XFRM_IF_ID = 2;
export const IFLA_XFRM_COLLECT_METADATA = 3;

// ipvlan
export const IFLA_IPVLAN_UNSPEC = 0;
export const IFLA_IPVLAN_MODE = 1;
export const IFLA_IPVLAN_FLAGS = 2;

// Values of IFLA_IPVLAN_MODE
export const IPVLAN_MODE_L2 = 0;
export const IPVLAN_MODE_L3 = 1;
export const IPVLAN_MODE_L3S = 2;

// Values of IFLA_IPVLAN_FLAGS
export const IPVLAN_F_PRIVATE = 1;
export const IPVLAN_F_VEPA = 2;

// netkit
export const IFLA_NETKIT_UNSPEC = 0;
export const IFLA_NETKIT_PEER_INFO = 1;
export const IFLA_NETKIT_PRIMARY = 2;
export const IFLA_NETKIT_POLICY = 3;
export const IFLA_NETKIT_PEER_POLICY = 4;
export const IFLA_NETKIT_MODE = 5;
export const IFLA_NETKIT_SCRUB = 6;
export const IFLA_NETKIT_PEER_SCRUB = 7;

// Values of IFLA_NETKIT_MODE
export const NETKIT_L2 = 0;
export const NETKIT_L3 = 1;

// Values of IFLA_NETKIT_SCRUB and IFLA_NETKIT_PEER_SCRUB
export const NETKIT_SCRUB_NONE = 0;
export const NETKIT_SCRUB_DEFAULT = 1;

// Values of IFLA_NETKIT_POLICY and IFLA_NETKIT_PEER_POLICY
export const NETKIT_NEXT = -1;
export const NETKIT_PASS = 0;
export const NETKIT_DROP = 2;
export const NETKIT_REDIRECT = 7;

// vxlan
export const IFLA_VXLAN_UNSPEC = 0;
export const IFLA_VXLAN_ID = 1;
export const IFLA_VXLAN_GROUP = 2;
export const IFLA_VXLAN_LINK = 3;
export const IFLA_VXLAN_LOCAL = 4;
export const IFLA_VXLAN_TTL = 5;
export const IFLA_VXLAN_TOS = 6;
export const IFLA_VXLAN_LEARNING = 7;
export const IFLA_VXLAN_AGEING = 8;
export const IFLA_VXLAN_LIMIT = 9;
export const IFLA_VXLAN_PORT_RANGE = 10;
export const IFLA_VXLAN_PROXY = 11;
export const IFLA_VXLAN_RSC = 12;
export const IFLA_VXLAN_L2MISS = 13;
export const IFLA_VXLAN_L3MISS = 14;
export const IFLA_VXLAN_PORT = 15;
export const IFLA_VXLAN_GROUP6 = 16;
export const IFLA_VXLAN_LOCAL6 = 17;
export const IFLA_VXLAN_UDP_CSUM = 18;
export const IFLA_VXLAN_UDP_ZERO_CSUM6_TX = 19;
export const IFLA_VXLAN_UDP_ZERO_CSUM6_RX = 20;
export const IFLA_VXLAN_REMCSUM_TX = 21;
export const IFLA_VXLAN_REMCSUM_RX = 22;
export const IFLA_VXLAN_GBP = 23;
export const IFLA_VXLAN_REMCSUM_NOPARTIAL = 24;
export const IFLA_VXLAN_COLLECT_METADATA = 25;
export const IFLA_VXLAN_LABEL = 26;
export const IFLA_VXLAN_GPE = 27;
export const IFLA_VXLAN_TTL_INHERIT = 28;
export const IFLA_VXLAN_DF = 29;
export const IFLA_VXLAN_VNIFILTER = 30;
export const IFLA_VXLAN_LOCALBYPASS = 31;
export const IFLA_VXLAN_LABEL_POLICY = 32;

// Values of IFLA_VXLAN_DF
export const VXLAN_DF_UNSET = 0;
export const VXLAN_DF_SET = 1;
export const VXLAN_DF_INHERIT = 2;

// Values of IFLA_VXLAN_LABEL_POLICY
export const VXLAN_LABEL_FIXED = 0;
export const VXLAN_LABEL_INHERIT = 1;

// VNI filters of a vxlan (RTM_NEWTUNNEL, RTM_GETTUNNEL)
export const VXLAN_VNIFILTER_UNSPEC = 0;
export const VXLAN_VNIFILTER_ENTRY = 1;

// In VXLAN_VNIFILTER_ENTRY
export const VXLAN_VNIFILTER_ENTRY_UNSPEC = 0;
export const VXLAN_VNIFILTER_ENTRY_START = 1;
export const VXLAN_VNIFILTER_ENTRY_END = 2;
export const VXLAN_VNIFILTER_ENTRY_GROUP = 3;
export const VXLAN_VNIFILTER_ENTRY_GROUP6 = 4;
export const VXLAN_VNIFILTER_ENTRY_STATS = 5;

// In VXLAN_VNIFILTER_ENTRY_STATS
export const VNIFILTER_ENTRY_STATS_UNSPEC = 0;
export const VNIFILTER_ENTRY_STATS_RX_BYTES = 1;
export const VNIFILTER_ENTRY_STATS_RX_PKTS = 2;
export const VNIFILTER_ENTRY_STATS_RX_DROPS = 3;
export const VNIFILTER_ENTRY_STATS_RX_ERRORS = 4;
export const VNIFILTER_ENTRY_STATS_TX_BYTES = 5;
export const VNIFILTER_ENTRY_STATS_TX_PKTS = 6;
export const VNIFILTER_ENTRY_STATS_TX_DROPS = 7;
export const VNIFILTER_ENTRY_STATS_TX_ERRORS = 8;
export const VNIFILTER_ENTRY_STATS_PAD = 9;

// Flags of RTM_GETTUNNEL
export const TUNNEL_MSG_FLAG_STATS = 1;
export const TUNNEL_MSG_VALID_USER_FLAGS = 1;

// geneve
export const IFLA_GENEVE_UNSPEC = 0;
export const IFLA_GENEVE_ID = 1;
export const IFLA_GENEVE_REMOTE = 2;
export const IFLA_GENEVE_TTL = 3;
export const IFLA_GENEVE_TOS = 4;
export const IFLA_GENEVE_PORT = 5;
export const IFLA_GENEVE_COLLECT_METADATA = 6;
export const IFLA_GENEVE_REMOTE6 = 7;
export const IFLA_GENEVE_UDP_CSUM = 8;
export const IFLA_GENEVE_UDP_ZERO_CSUM6_TX = 9;
export const IFLA_GENEVE_UDP_ZERO_CSUM6_RX = 10;
export const IFLA_GENEVE_LABEL = 11;
export const IFLA_GENEVE_TTL_INHERIT = 12;
export const IFLA_GENEVE_DF = 13;
export const IFLA_GENEVE_INNER_PROTO_INHERIT = 14;

// Values of IFLA_GENEVE_DF
export const GENEVE_DF_UNSET = 0;
export const GENEVE_DF_SET = 1;
export const GENEVE_DF_INHERIT = 2;

// bareudp
export const IFLA_BAREUDP_UNSPEC = 0;
export const IFLA_BAREUDP_PORT = 1;
export const IFLA_BAREUDP_ETHERTYPE = 2;
export const IFLA_BAREUDP_SRCPORT_MIN = 3;
export const IFLA_BAREUDP_MULTIPROTO_MODE = 4;

// ppp
export const IFLA_PPP_UNSPEC = 0;
export const IFLA_PPP_DEV_FD = 1;

// gtp
export const IFLA_GTP_UNSPEC = 0;
export const IFLA_GTP_FD0 = 1;
export const IFLA_GTP_FD1 = 2;
export const IFLA_GTP_PDP_HASHSIZE = 3;
export const IFLA_GTP_ROLE = 4;
export const IFLA_GTP_CREATE_SOCKETS = 5;
export const IFLA_GTP_RESTART_COUNT = 6;
export const IFLA_GTP_LOCAL = 7;
export const IFLA_GTP_LOCAL6 = 8;

// Values of IFLA_GTP_ROLE
export const GTP_ROLE_GGSN = 0;
export const GTP_ROLE_SGSN = 1;

// ipoib
export const IFLA_IPOIB_UNSPEC = 0;
export const IFLA_IPOIB_PKEY = 1;
export const IFLA_IPOIB_MODE = 2;
export const IFLA_IPOIB_UMCAST = 3;

// Values of IFLA_IPOIB_MODE
export const IPOIB_MODE_DATAGRAM = 0;
export const IPOIB_MODE_CONNECTED = 1;

// hsr
export const IFLA_HSR_UNSPEC = 0;
export const IFLA_HSR_SLAVE1 = 1;
export const IFLA_HSR_SLAVE2 = 2;
export const IFLA_HSR_MULTICAST_SPEC = 3;
export const IFLA_HSR_SUPERVISION_ADDR = 4;
export const IFLA_HSR_SEQ_NR = 5;
export const IFLA_HSR_VERSION = 6;
export const IFLA_HSR_PROTOCOL = 7;
export const IFLA_HSR_INTERLINK = 8;

// Values of IFLA_HSR_PROTOCOL
export const HSR_PROTOCOL_HSR = 0;
export const HSR_PROTOCOL_PRP = 1;

// tun
export const IFLA_TUN_UNSPEC = 0;
export const IFLA_TUN_OWNER = 1;
export const IFLA_TUN_GROUP = 2;
export const IFLA_TUN_TYPE = 3;
export const IFLA_TUN_PI = 4;
export const IFLA_TUN_VNET_HDR = 5;
export const IFLA_TUN_PERSIST = 6;
export const IFLA_TUN_MULTI_QUEUE = 7;
export const IFLA_TUN_NUM_QUEUES = 8;
export const IFLA_TUN_NUM_DISABLED_QUEUES = 9;

// rmnet
export const IFLA_RMNET_UNSPEC = 0;
export const IFLA_RMNET_MUX_ID = 1;
export const IFLA_RMNET_FLAGS = 2;

// Values of IFLA_RMNET_FLAGS
export const RMNET_FLAGS_INGRESS_DEAGGREGATION = 1;
export const RMNET_FLAGS_INGRESS_MAP_COMMANDS = 2;
export const RMNET_FLAGS_INGRESS_MAP_CKSUMV4 = 4;
export const RMNET_FLAGS_EGRESS_MAP_CKSUMV4 = 8;
export const RMNET_FLAGS_INGRESS_MAP_CKSUMV5 = 16;
export const RMNET_FLAGS_EGRESS_MAP_CKSUMV5 = 32;

// mctp
export const IFLA_MCTP_UNSPEC = 0;
export const IFLA_MCTP_NET = 1;

// dsa
export const IFLA_DSA_UNSPEC = 0;
export const IFLA_DSA_CONDUIT = 1;
export const IFLA_DSA_MASTER = 1;

// ipip, sit, ip6tnl
export const IFLA_IPTUN_UNSPEC = 0;
export const IFLA_IPTUN_LINK = 1;
export const IFLA_IPTUN_LOCAL = 2;
export const IFLA_IPTUN_REMOTE = 3;
export const IFLA_IPTUN_TTL = 4;
export const IFLA_IPTUN_TOS = 5;
export const IFLA_IPTUN_ENCAP_LIMIT = 6;
export const IFLA_IPTUN_FLOWINFO = 7;
export const IFLA_IPTUN_FLAGS = 8;
export const IFLA_IPTUN_PROTO = 9;
export const IFLA_IPTUN_PMTUDISC = 10;
export const IFLA_IPTUN_6RD_PREFIX = 11;
export const IFLA_IPTUN_6RD_RELAY_PREFIX = 12;
export const IFLA_IPTUN_6RD_PREFIXLEN = 13;
export const IFLA_IPTUN_6RD_RELAY_PREFIXLEN = 14;
export const IFLA_IPTUN_ENCAP_TYPE = 15;
export const IFLA_IPTUN_ENCAP_FLAGS = 16;
export const IFLA_IPTUN_ENCAP_SPORT = 17;
export const IFLA_IPTUN_ENCAP_DPORT = 18;
export const IFLA_IPTUN_COLLECT_METADATA = 19;
export const IFLA_IPTUN_FWMARK = 20;

// gre, gretap, ip6gre, erspan
export const IFLA_GRE_UNSPEC = 0;
export const IFLA_GRE_LINK = 1;
export const IFLA_GRE_IFLAGS = 2;
export const IFLA_GRE_OFLAGS = 3;
export const IFLA_GRE_IKEY = 4;
export const IFLA_GRE_OKEY = 5;
export const IFLA_GRE_LOCAL = 6;
export const IFLA_GRE_REMOTE = 7;
export const IFLA_GRE_TTL = 8;
export const IFLA_GRE_TOS = 9;
export const IFLA_GRE_PMTUDISC = 10;
export const IFLA_GRE_ENCAP_LIMIT = 11;
export const IFLA_GRE_FLOWINFO = 12;
export const IFLA_GRE_FLAGS = 13;
export const IFLA_GRE_ENCAP_TYPE = 14;
export const IFLA_GRE_ENCAP_FLAGS = 15;
export const IFLA_GRE_ENCAP_SPORT = 16;
export const IFLA_GRE_ENCAP_DPORT = 17;
export const IFLA_GRE_COLLECT_METADATA = 18;
export const IFLA_GRE_IGNORE_DF = 19;
export const IFLA_GRE_FWMARK = 20;
export const IFLA_GRE_ERSPAN_INDEX = 21;
export const IFLA_GRE_ERSPAN_VER = 22;
export const IFLA_GRE_ERSPAN_DIR = 23;
export const IFLA_GRE_ERSPAN_HWID = 24;

// vti, vti6
export const IFLA_VTI_UNSPEC = 0;
export const IFLA_VTI_LINK = 1;
export const IFLA_VTI_IKEY = 2;
export const IFLA_VTI_OKEY = 3;
export const IFLA_VTI_LOCAL = 4;
export const IFLA_VTI_REMOTE = 5;
export const IFLA_VTI_FWMARK = 6;
