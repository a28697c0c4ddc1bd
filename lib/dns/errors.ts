import {
  EAI_ADDRFAMILY,
  EAI_AGAIN,
  EAI_BADFLAGS,
  EAI_FAIL,
  EAI_FAMILY,
  EAI_MEMORY,
  EAI_NODATA,
  EAI_NONAME,
  EAI_OVERFLOW,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  EAI_SYSTEM,
} from '../constants/netdb.js';
import { IothError } from '../core/errors.js';

const QUERY_TEXTS = {
  EBADNAME: 'not a domain name',
  EBADRESP: 'no server gave a readable answer',
  ECANCELLED: 'the query was cancelled',
  ECONNREFUSED: 'no server is configured or reachable, or the servers closed the connection',
  EFORMERR: 'the server could not read the query',
  ENODATA: 'the name exists and has no record of that type',
  ENOTFOUND: 'the name does not exist',
  ENOTIMP: 'the server does not support this query',
  EREFUSED: 'the server refused the query',
  ESERVFAIL: 'the server failed',
  ETIMEOUT: 'no server answered in time',
} as const;

/** Error codes of node:dns for queries. */
export type QueryCode = keyof typeof QUERY_TEXTS;
export const QUERY_CODES = Object.keys(QUERY_TEXTS) as QueryCode[];

/** Error of a look-up, in the shape of node:dns errors. */
export class DnsError extends IothError {
  override readonly name: string = 'DnsError';
  /** The name or address that was looked up. */
  readonly hostname?: string;

  constructor(code: string, syscall: string, hostname: string | undefined, text: string, cause?: unknown) {
    super(code, { syscall, cause });
    if (hostname !== undefined) this.hostname = hostname;
    this.message = [`${syscall} ${code}${hostname === undefined ? '' : ` ${hostname}`}`, text].join(': ');
  }
}

/** Creates the error of a query. Its `syscall` is Node's: 'queryMx'. */
export function queryError(code: QueryCode, type: string, hostname: string, cause?: unknown): DnsError {
  return new DnsError(code, `query${type[0]}${type.slice(1).toLowerCase()}`, hostname, QUERY_TEXTS[code], cause);
}

// Node's code where Node has one: Node uses ENOTFOUND for both EAI_NONAME and EAI_NODATA.
const EAI: Record<number, [code: string, text: string]> = {
  [EAI_ADDRFAMILY]: ['EAI_ADDRFAMILY', 'the host has no address of that family'],
  [EAI_AGAIN]: ['EAI_AGAIN', 'temporary failure in name resolution'],
  [EAI_BADFLAGS]: ['EAI_BADFLAGS', 'unknown flags, or flags that exclude each other'],
  [EAI_FAIL]: ['EAI_FAIL', 'permanent failure in name resolution'],
  [EAI_FAMILY]: ['EAI_FAMILY', 'family must be AF_UNSPEC, AF_INET or AF_INET6'],
  [EAI_MEMORY]: ['EAI_MEMORY', 'out of memory'],
  [EAI_NODATA]: ['ENOTFOUND', 'the name exists and has no address'],
  [EAI_NONAME]: ['ENOTFOUND', 'host or service is not known'],
  [EAI_OVERFLOW]: ['EAI_OVERFLOW', 'the name does not fit in the buffer'],
  [EAI_SERVICE]: ['EAI_SERVICE', 'no such service for that type of socket'],
  [EAI_SOCKTYPE]: ['EAI_SOCKTYPE', 'no such type of socket, or not with that protocol'],
  [EAI_SYSTEM]: ['EAI_SYSTEM', 'a system call failed'],
};

/** Error of getaddrinfo(3) or getnameinfo(3). */
export class GaiError extends DnsError {
  override readonly name: string = 'GaiError';
  /** The EAI_ number of C: EAI_NONAME is -2. */
  readonly eai: number;

  constructor(
    eai: number,
    syscall: 'getaddrinfo' | 'getnameinfo',
    hostname?: string | null,
    cause?: unknown,
    // the text of the query error that caused it
    hint: string | undefined = cause instanceof DnsError ? QUERY_TEXTS[cause.code as QueryCode] : undefined,
  ) {
    const [code, text] = EAI[eai] ?? [`EAI_${eai}`, 'an unknown error'];
    super(code, syscall, hostname ?? undefined, hint === undefined ? text : `${text}: ${hint}`, cause);
    this.eai = eai;
  }
}

/** Returns the EAI_ number for a query error: EAI_AGAIN if it is temporary, else EAI_FAIL. */
export function eaiOf({ code }: DnsError): number {
  return ['ETIMEOUT', 'ESERVFAIL', 'EREFUSED', 'ECONNREFUSED'].includes(code) ? EAI_AGAIN : EAI_FAIL;
}
