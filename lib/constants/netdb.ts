/**
 * Flags and errors of getaddrinfo(3) and getnameinfo(3), with the values of glibc.
 */

// Flags of getaddrinfo
export const AI_PASSIVE = 0x0001;
export const AI_CANONNAME = 0x0002;
export const AI_NUMERICHOST = 0x0004;
export const AI_V4MAPPED = 0x0008;
export const AI_ALL = 0x0010;
export const AI_ADDRCONFIG = 0x0020;
export const AI_IDN = 0x0040;
export const AI_CANONIDN = 0x0080;
export const AI_NUMERICSERV = 0x0400;

// Flags of getnameinfo
export const NI_NUMERICHOST = 1;
export const NI_NUMERICSERV = 2;
export const NI_NOFQDN = 4;
export const NI_NAMEREQD = 8;
export const NI_DGRAM = 16;
export const NI_IDN = 32;

// Room for what getnameinfo returns, in bytes
export const NI_MAXSERV = 32;
export const NI_MAXHOST = 1025;

// Errors of both: negative, as in glibc
export const EAI_IDN_ENCODE = -105;
export const EAI_INTR = -104;
export const EAI_ALLDONE = -103;
export const EAI_NOTCANCELED = -102;
export const EAI_CANCELED = -101;
export const EAI_INPROGRESS = -100;
export const EAI_OVERFLOW = -12;
export const EAI_SYSTEM = -11;
export const EAI_MEMORY = -10;
export const EAI_ADDRFAMILY = -9;
export const EAI_SERVICE = -8;
export const EAI_SOCKTYPE = -7;
export const EAI_FAMILY = -6;
export const EAI_NODATA = -5;
export const EAI_FAIL = -4;
export const EAI_AGAIN = -3;
export const EAI_NONAME = -2;
export const EAI_BADFLAGS = -1;
