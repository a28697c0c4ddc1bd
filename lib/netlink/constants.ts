/** Constants of linux/netlink.h, linux/rtnetlink.h and linux/if_addr.h that are not public. */

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
export const NLM_F_DUMP_INTR = 0x010;
/** Flags of a "get" request. */
export const NLM_F_DUMP = 0x300;
/** Flags of a "new" request. */
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
/** Flags of an NLMSG_ERROR. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSGERR_ATTR_MSG = 1;

/** Message types, by the names that errors have as `syscall`. */
export const RTM = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
  RTM_NEWNEIGH: 28,
} as const;
export type RequestName = keyof typeof RTM;

/** Attribute in IFLA_INFO_DATA of a 'vde', ioth's own kind of link (nlinline+.h). */
export const IFLA_VDE_VNL = 1;

/** Attributes of addresses. */
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, FLAGS: 8 };
export const IFA_F_NODAD = 0x02;
export const IFA_F_TENTATIVE = 0x40;

/** Attributes of routes. */
export const RTA = {
  DST: 1,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  TABLE: 15,
  VIA: 18,
  PREF: 20,
};
/** The MTU among the attributes in RTA_METRICS. */
export const RTAX_MTU = 2;
export const RTM_F_CLONED = 0x200;
export const RTPROT_UNSPEC = 0;
