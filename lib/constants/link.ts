/**
 * Attributes of links in rtnetlink messages: rtnetlink(7), linux/if_link.h.
 *
 * The *_MAX names of the header are left out: they depend on the version of the header, not on the kernel that runs.
 */

// Attributes of RTM_NEWLINK, RTM_GETLINK and RTM_DELLINK
export const IFLA_UNSPEC = 0;
export const IFLA_ADDRESS = 1;
export const IFLA_BROADCAST = 2;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
export const IFLA_QDISC = 6;
export const IFLA_STATS = 7;
export const IFLA_COST = 8;
export const IFLA_PRIORITY = 9;
export const IFLA_MASTER = 10;
export const IFLA_WIRELESS = 11;
export const IFLA_PROTINFO = 12;
export const IFLA_TXQLEN = 13;
export const IFLA_MAP = 14;
export const IFLA_WEIGHT = 15;
export const IFLA_OPERSTATE = 16;
export const IFLA_LINKMODE = 17;
export const IFLA_LINKINFO = 18;
export const IFLA_NET_NS_PID = 19;
export const IFLA_IFALIAS = 20;
export const IFLA_NUM_VF = 21;
export const IFLA_VFINFO_LIST = 22;
export const IFLA_STATS64 = 23;
export const IFLA_VF_PORTS = 24;
export const IFLA_PORT_SELF = 25;
export const IFLA_AF_SPEC = 26;
export const IFLA_GROUP = 27;
export const IFLA_NET_NS_FD = 28;
export const IFLA_EXT_MASK = 29;
export const IFLA_PROMISCUITY = 30;
export const IFLA_NUM_TX_QUEUES = 31;
export const IFLA_NUM_RX_QUEUES = 32;
export const IFLA_CARRIER = 33;
export const IFLA_PHYS_PORT_ID = 34;
export const IFLA_CARRIER_CHANGES = 35;
export const IFLA_PHYS_SWITCH_ID = 36;
export const IFLA_LINK_NETNSID = 37;
export const IFLA_PHYS_PORT_NAME = 38;
export const IFLA_PROTO_DOWN = 39;
export const IFLA_GSO_MAX_SEGS = 40;
export const IFLA_GSO_MAX_SIZE = 41;
export const IFLA_PAD = 42;
export const IFLA_XDP = 43;
export const IFLA_EVENT = 44;
export const IFLA_NEW_NETNSID = 45;
export const IFLA_IF_NETNSID = 46;
export const IFLA_TARGET_NETNSID = 46;
export const IFLA_CARRIER_UP_COUNT = 47;
export const IFLA_CARRIER_DOWN_COUNT = 48;
export const IFLA_NEW_IFINDEX = 49;
export const IFLA_MIN_MTU = 50;
export const IFLA_MAX_MTU = 51;
export const IFLA_PROP_LIST = 52;
export const IFLA_ALT_IFNAME = 53;
export const IFLA_PERM_ADDRESS = 54;
export const IFLA_PROTO_DOWN_REASON = 55;
export const IFLA_PARENT_DEV_NAME = 56;
export const IFLA_PARENT_DEV_BUS_NAME = 57;
export const IFLA_GRO_MAX_SIZE = 58;
export const IFLA_TSO_MAX_SIZE = 59;
export const IFLA_TSO_MAX_SEGS = 60;
export const IFLA_ALLMULTI = 61;
export const IFLA_DEVLINK_PORT = 62;
export const IFLA_GSO_IPV4_MAX_SIZE = 63;
export const IFLA_GRO_IPV4_MAX_SIZE = 64;
export const IFLA_DPLL_PIN = 65;

// In IFLA_LINKINFO: the kind of link and its data
export const IFLA_INFO_UNSPEC = 0;
export const IFLA_INFO_KIND = 1;
export const IFLA_INFO_DATA = 2;
export const IFLA_INFO_XSTATS = 3;
export const IFLA_INFO_SLAVE_KIND = 4;
export const IFLA_INFO_SLAVE_DATA = 5;

// In IFLA_INFO_DATA of a 'veth' (linux/veth.h)
export const VETH_INFO_PEER = 1;

// In IFLA_AF_SPEC: per family
export const IFLA_INET_UNSPEC = 0;
export const IFLA_INET_CONF = 1;

// In IFLA_AF_SPEC or IFLA_PROTINFO: IPv6
export const IFLA_INET6_UNSPEC = 0;
export const IFLA_INET6_FLAGS = 1;
export const IFLA_INET6_CONF = 2;
export const IFLA_INET6_STATS = 3;
export const IFLA_INET6_MCAST = 4;
export const IFLA_INET6_CACHEINFO = 5;
export const IFLA_INET6_ICMP6STATS = 6;
export const IFLA_INET6_TOKEN = 7;
export const IFLA_INET6_ADDR_GEN_MODE = 8;
export const IFLA_INET6_RA_MTU = 9;

// Values of IFLA_INET6_ADDR_GEN_MODE
export const IN6_ADDR_GEN_MODE_EUI64 = 0;
export const IN6_ADDR_GEN_MODE_NONE = 1;
export const IN6_ADDR_GEN_MODE_STABLE_PRIVACY = 2;
export const IN6_ADDR_GEN_MODE_RANDOM = 3;

// In IFLA_PROTO_DOWN_REASON
export const IFLA_PROTO_DOWN_REASON_UNSPEC = 0;
export const IFLA_PROTO_DOWN_REASON_MASK = 1;
export const IFLA_PROTO_DOWN_REASON_VALUE = 2;

// In IFLA_XDP
export const IFLA_XDP_UNSPEC = 0;
export const IFLA_XDP_FD = 1;
export const IFLA_XDP_ATTACHED = 2;
export const IFLA_XDP_FLAGS = 3;
export const IFLA_XDP_PROG_ID = 4;
export const IFLA_XDP_DRV_PROG_ID = 5;
export const IFLA_XDP_SKB_PROG_ID = 6;
export const IFLA_XDP_HW_PROG_ID = 7;
export const IFLA_XDP_EXPECTED_FD = 8;

// Values of IFLA_XDP_FLAGS
export const XDP_FLAGS_UPDATE_IF_NOEXIST = 1;
export const XDP_FLAGS_SKB_MODE = 2;
export const XDP_FLAGS_DRV_MODE = 4;
export const XDP_FLAGS_HW_MODE = 8;
export const XDP_FLAGS_MODES = 14;
export const XDP_FLAGS_REPLACE = 16;
export const XDP_FLAGS_MASK = 31;

// Values of IFLA_XDP_ATTACHED
export const XDP_ATTACHED_NONE = 0;
export const XDP_ATTACHED_DRV = 1;
export const XDP_ATTACHED_SKB = 2;
export const XDP_ATTACHED_HW = 3;
export const XDP_ATTACHED_MULTI = 4;

// Values of IFLA_EVENT
export const IFLA_EVENT_NONE = 0;
export const IFLA_EVENT_REBOOT = 1;
export const IFLA_EVENT_FEATURES = 2;
export const IFLA_EVENT_BONDING_FAILOVER = 3;
export const IFLA_EVENT_NOTIFY_PEERS = 4;
export const IFLA_EVENT_IGMP_RESEND = 5;
export const IFLA_EVENT_BONDING_OPTIONS = 6;

// In IFLA_VFINFO_LIST: virtual functions (SR-IOV)
export const IFLA_VF_INFO_UNSPEC = 0;
export const IFLA_VF_INFO = 1;

// In IFLA_VF_VLAN_LIST
export const IFLA_VF_VLAN_INFO_UNSPEC = 0;
export const IFLA_VF_VLAN_INFO = 1;
export const MAX_VLAN_LIST_LEN = 1;

// Values of IFLA_VF_LINK_STATE
export const IFLA_VF_LINK_STATE_AUTO = 0;
export const IFLA_VF_LINK_STATE_ENABLE = 1;
export const IFLA_VF_LINK_STATE_DISABLE = 2;

// In IFLA_VF_STATS
export const IFLA_VF_STATS_RX_PACKETS = 0;
export const IFLA_VF_STATS_TX_PACKETS = 1;
export const IFLA_VF_STATS_RX_BYTES = 2;
export const IFLA_VF_STATS_TX_BYTES = 3;
export const IFLA_VF_STATS_BROADCAST = 4;
export const IFLA_VF_STATS_MULTICAST = 5;
export const IFLA_VF_STATS_PAD = 6;
export const IFLA_VF_STATS_RX_DROPPED = 7;
export const IFLA_VF_STATS_TX_DROPPED = 8;

// In IFLA_VF_PORTS
export const IFLA_VF_PORT_UNSPEC = 0;
export const IFLA_VF_PORT = 1;

// In IFLA_VF_INFO
export const IFLA_VF_UNSPEC = 0;
export const IFLA_VF_MAC = 1;
export const IFLA_VF_VLAN = 2;
export const IFLA_VF_TX_RATE = 3;
export const IFLA_VF_SPOOFCHK = 4;
export const IFLA_VF_LINK_STATE = 5;
export const IFLA_VF_RATE = 6;
export const IFLA_VF_RSS_QUERY_EN = 7;
export const IFLA_VF_STATS = 8;
export const IFLA_VF_TRUST = 9;
export const IFLA_VF_IB_NODE_GUID = 10;
export const IFLA_VF_IB_PORT_GUID = 11;
export const IFLA_VF_VLAN_LIST = 12;
export const IFLA_VF_BROADCAST = 13;

// In IFLA_VF_PORT and IFLA_PORT_SELF
export const IFLA_PORT_UNSPEC = 0;
export const IFLA_PORT_VF = 1;
export const IFLA_PORT_PROFILE = 2;
export const IFLA_PORT_VSI_TYPE = 3;
export const IFLA_PORT_INSTANCE_UUID = 4;
export const IFLA_PORT_HOST_UUID = 5;
export const IFLA_PORT_REQUEST = 6;
export const IFLA_PORT_RESPONSE = 7;

// Values and limits in a port
export const PORT_SELF_VF = -1;
export const PORT_UUID_MAX = 16;
export const PORT_PROFILE_MAX = 40;

// Values of IFLA_PORT_REQUEST
export const PORT_REQUEST_PREASSOCIATE = 0;
export const PORT_REQUEST_PREASSOCIATE_RR = 1;
export const PORT_REQUEST_ASSOCIATE = 2;
export const PORT_REQUEST_DISASSOCIATE = 3;

// Values of IFLA_PORT_RESPONSE
export const PORT_VDP_RESPONSE_SUCCESS = 0;
export const PORT_VDP_RESPONSE_INVALID_FORMAT = 1;
export const PORT_VDP_RESPONSE_INSUFFICIENT_RESOURCES = 2;
export const PORT_VDP_RESPONSE_UNUSED_VTID = 3;
export const PORT_VDP_RESPONSE_VTID_VIOLATION = 4;
export const PORT_VDP_RESPONSE_VTID_VERSION_VIOALTION = 5;
export const PORT_VDP_RESPONSE_OUT_OF_SYNC = 6;
export const PORT_PROFILE_RESPONSE_SUCCESS = 256;
export const PORT_PROFILE_RESPONSE_INPROGRESS = 257;
export const PORT_PROFILE_RESPONSE_INVALID = 258;
export const PORT_PROFILE_RESPONSE_BADSTATE = 259;
export const PORT_PROFILE_RESPONSE_INSUFFICIENT_RESOURCES = 260;
export const PORT_PROFILE_RESPONSE_ERROR = 261;

// In RTM_NEWSTATS
export const IFLA_STATS_UNSPEC = 0;
export const IFLA_STATS_LINK_64 = 1;
export const IFLA_STATS_LINK_XSTATS = 2;
export const IFLA_STATS_LINK_XSTATS_SLAVE = 3;
export const IFLA_STATS_LINK_OFFLOAD_XSTATS = 4;
export const IFLA_STATS_AF_SPEC = 5;

// In RTM_SETSTATS, and the filters of RTM_GETSTATS
export const IFLA_STATS_GETSET_UNSPEC = 0;
export const IFLA_STATS_GET_FILTERS = 1;
export const IFLA_STATS_SET_OFFLOAD_XSTATS_L3_STATS = 2;

// In IFLA_STATS_LINK_XSTATS
export const LINK_XSTATS_TYPE_UNSPEC = 0;
export const LINK_XSTATS_TYPE_BRIDGE = 1;
export const LINK_XSTATS_TYPE_BOND = 2;

// In IFLA_OFFLOAD_XSTATS_HW_S_INFO
export const IFLA_OFFLOAD_XSTATS_HW_S_INFO_UNSPEC = 0;
export const IFLA_OFFLOAD_XSTATS_HW_S_INFO_REQUEST = 1;
export const IFLA_OFFLOAD_XSTATS_HW_S_INFO_USED = 2;

// In IFLA_STATS_LINK_OFFLOAD_XSTATS
export const IFLA_OFFLOAD_XSTATS_UNSPEC = 0;
export const IFLA_OFFLOAD_XSTATS_CPU_HIT = 1;
export const IFLA_OFFLOAD_XSTATS_HW_S_INFO = 2;
export const IFLA_OFFLOAD_XSTATS_L3_STATS = 3;
