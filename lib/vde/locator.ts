import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errno, libc } from '../../ffi/libc.js';
import { encodeSockaddr } from '../address/sockaddr.js';
import { AF_UNIX, SO_TYPE, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_SEQPACKET, SOL_SOCKET } from '../constants/index.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { lookAt } from '../core/file-identity.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';

/** Room for a path in `struct sockaddr_un`, without its NUL. */
const MAX_SOCKET_PATH = 107;
/** What libvdeplug has room for: it copies a locator to its stack. */
const MAX_LOCATOR = 4095;
/** ioth_newstack(3) and vde_open(3) cut what is longer. */
const MAX_TAP_NAME = 15;
/** What a node adds to its directory's path: the longest name of a socket in it. */
const NODE_SOCKET = '/fd00000';
/** What ptp:// adds: '+' for the second end, in a buffer that is one byte smaller. */
const PTP_SUFFIX = 2;
/** So much of a locator is repeated in a message. */
const MAX_SHOWN = 200;

const NODES: readonly string[] = ['switch', 'hub', 'multi', 'bonding'];
const WITHOUT_OPTIONS = ['null', 'seqpacket', 'cmd', 'udp', 'vxlan', 'vxvde', 'tap', 'slirp'];
/** For these a brace is a character as any other. Those of other packages (vlan://3{…}) have a network below in braces. */
const WITHOUT_NESTED = [...NODES, ...WITHOUT_OPTIONS, 'vde', 'ptp', 'macvtap'];

/** A locator in parts: `head` + `kind` + '://' + `rest` + `tail`. Those of a network below another stand in braces. */
interface Locator {
  readonly head: string;
  /** 'vde', 'switch' …; undefined for a plain path, which stands for vde://. */
  readonly kind: string | undefined;
  readonly rest: string;
  readonly tail: string;
}

function parse(vnl: string): Locator {
  // of a stack's: the interface's name
  const [, head = '', kind, rest = ''] = /^(?:([^:/]*:)(?=[\w-]*:\/\/))?([\w.-]*):\/\/(.*)$/s.exec(vnl) ?? [];
  if (kind === undefined) return { head: '', kind, rest: vnl, tail: '' };
  const nested = WITHOUT_NESTED.includes(kind) ? null : /^([^{]*\{)(.*)(\}.*)$/s.exec(rest);
  if (!nested) return { head, kind, rest, tail: '' };
  const [, before, below = '', after] = nested;
  const inner = parse(below);
  return { ...inner, head: `${head}${kind}://${before}${inner.head}`, tail: inner.tail + after };
}

/** The path in front of '[parameters]', as libvdeplug reads it: quoted by ' or ", by \, or as %20. */
function pathIn(rest: string): string {
  // bytes, since %C3 is one
  const bytes = Buffer.from(rest).toString('latin1');
  const tokens = /'([^']*)'?|"([^"]*)"?|\\(.?)|%([\da-f]{2})|(\[)|./gis;
  let path = '';
  for (const [text, single, double, escaped, hex, bracket] of bytes.matchAll(tokens)) {
    if (bracket) break;
    path += single ?? double ?? escaped ?? (hex ? String.fromCharCode(Number.parseInt(hex, 16)) : text);
  }
  return Buffer.from(path, 'latin1').toString();
}

/** A path as it stands in a locator. */
export function quotePath(path: string): string {
  return path.replace(/['"\\%[]/g, '\\$&');
}

/** The path of the switch, hub, multi or bonding node that a VNL makes, as it stands there; undefined where it makes none. */
export function nodePath(vnl: string): string | undefined {
  const { kind = '', rest } = parse(vnl);
  return NODES.includes(kind) ? pathIn(rest) || undefined : undefined;
}

/** The same, absolute; undefined too where the directory above it does not exist. */
export function nodeDirectory(vnl: string): string | undefined {
  const path = nodePath(vnl);
  if (path === undefined) return undefined;
  const parent = realPath(dirname(path));
  return parent === undefined ? undefined : join(parent, basename(path));
}

/** The path of the switch that a VNL joins, as it stands there, maybe ''; undefined where it joins none. */
export function joinedPath(vnl: string): string | undefined {
  const { kind = 'vde', rest } = parse(vnl);
  return kind === 'vde' ? pathIn(rest) : undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * What a VNL stands for: of a file its first line, of '' the file or directory that is the user's default. libvdeplug would
 * read them by itself, and not what was checked.
 */
export function resolveLocator(vnl: string): string {
  if (vnl.includes('://')) return vnl;
  const path = vnl === '' ? defaultNetwork() : vnl;
  if (path === undefined) return vnl;
  const line = firstLine(path) || path;
  return line.includes('://') ? line : `vde://${line}`;
}

function defaultNetwork(): string | undefined {
  const { HOME } = process.env;
  const paths = HOME ? [`${HOME}/.vdeplug/default`, `${HOME}/.vde2/default.switch`] : [];
  return paths.find(lookAt);
}

function firstLine(path: string): string | undefined {
  let fd: number;
  try {
    // a FIFO is not waited for
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const bytes = Buffer.alloc(MAX_LOCATOR + 1);
    return bytes.toString('utf8', 0, readSync(fd, bytes)).split(/[\n\0]/, 1)[0];
  } finally {
    closeSync(fd);
  }
}

/**
 * Checks a VNL before C sees it: libvdeplug cuts what is too long without a word, or writes past the end of a buffer.
 * @param syscall what the errors name
 * @throws {TypeError} ERR_INVALID_ARG_VALUE where it names no path, or no descriptor
 * @throws {IothError} ENAMETOOLONG; EEXIST of a ptp:// whose path is something else; EBADF, ENOTSOCK, EPROTOTYPE of a
 * seqpacket:// that is no such socket
 */
export function checkLocator(vnl: string, syscall: 'vde_open' | 'ioth_newstack'): void {
  const address = shown(vnl);
  const fail = (code: string, hint: string): never => {
    throw new IothError(code, { syscall, address, hint });
  };
  const checkLength = (what: string, text: string, limit: number): void => {
    const length = Buffer.byteLength(text);
    if (length > limit) fail('ENAMETOOLONG', `${what} has ${length} bytes, and ${limit} is the limit`);
  };
  checkLength('the locator', vnl, MAX_LOCATOR);
  const { kind = 'vde', rest } = parse(resolveLocator(vnl));
  if (NODES.includes(kind)) {
    const path = pathIn(rest);
    checkNamed(kind, path, address);
    const directory = nodeDirectory(`${kind}://${rest}`) ?? path;
    checkLength(`the path '${shown(directory)}'`, directory, MAX_SOCKET_PATH - NODE_SOCKET.length);
  } else if (kind === 'vde') {
    const directory = realPath(pathIn(rest)) ?? '';
    checkLength(`the path '${shown(directory)}'`, directory, MAX_SOCKET_PATH - longestSocketOfPeer(rest));
  } else if (kind === 'ptp') {
    checkNamed(kind, rest, address);
    checkLength(`the path '${shown(rest)}'`, rest, MAX_SOCKET_PATH - PTP_SUFFIX);
    checkCableEnds(rest, fail);
  } else if (kind === 'tap') {
    checkLength(`the name '${shown(rest)}'`, rest, MAX_TAP_NAME);
  } else if (kind === 'seqpacket') {
    checkDescriptor(rest, address, fail);
  }
}

function shown(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function checkNamed(kind: string, path: string, vnl: string): void {
  if (path === '') throw invalidValue('vnl', `a locator with a path, as '${kind}:///tmp/net'`, vnl);
  if (path.includes('\0')) throw invalidValue('vnl', 'a locator without %00', vnl);
}

/** What joins a switch makes a socket in its directory, `.PID-NUMBER`, and connects to `ctl`, or to what is named behind. */
function longestSocketOfPeer(rest: string): number {
  const group = /\[([^\]/=]*)/.exec(rest)?.[1] ?? '';
  return Math.max(`/.${String(process.pid).padStart(5)}-00000`.length, Buffer.byteLength(group) + 1);
}

type Fail = (code: string, hint: string) => never;

/** ptp:// removes what does not answer at its paths: that must be a socket of this user. */
function checkCableEnds(path: string, fail: Fail): void {
  for (const end of [path, `${path}+`]) {
    const stat = lookAt(end);
    if (!stat) continue;
    if (!stat.isSocket())
      fail('EEXIST', `'${end}' exists and is not the end of a cable: choose another path, or remove it`);
    if (stat.uid !== BigInt(process.geteuid?.() ?? -1) && isRefused(end)) {
      fail('EEXIST', `'${end}' was left by user ${stat.uid}: choose another path, or remove it`);
    }
  }
}

function isRefused(path: string): boolean {
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const { bytes, length } = encodeSockaddr(AF_UNIX, path, () => 0);
  const failed = libc().connect(fd, bytes, length) < 0 && codeOf(errno()) === 'ECONNREFUSED';
  libc().close(fd);
  return failed;
}

/** C reads 'hello' as descriptor 0, and closes it in the end. */
function checkDescriptor(rest: string, vnl: string, fail: Fail): void {
  if (!/^(0|[1-9]\d*)$/.test(rest)) {
    throw invalidValue('vnl', "the number of an open descriptor behind seqpacket://, as 'seqpacket://5'", vnl);
  }
  const fd = checkInteger('the descriptor behind seqpacket://', Number(rest), 0, INT_MAX);
  const type = new Int32Array(1);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, new Uint8Array(type.buffer), new Uint32Array([4])) < 0) {
    const code = codeOf(errno());
    fail(code, `descriptor ${fd} ${code === 'EBADF' ? 'is not open in this process' : 'is no socket'}`);
  }
  // the parts of a stream are no frames
  if (type[0] !== SOCK_SEQPACKET && type[0] !== SOCK_DGRAM) {
    fail('EPROTOTYPE', `descriptor ${fd} is no SOCK_SEQPACKET socket`);
  }
}

/** What vde_open(3) may be told besides the locator. */
export interface NetworkOptions {
  readonly port?: number;
  readonly group?: string;
  readonly mode?: number;
}

/**
 * A VNL with the options that are to be said in it: libvdeplug 4.0.1 does not hand them on to a node.
 * @throws {TypeError} for an option that this kind of network does not have, and would ignore
 */
export function withOptions(vnl: string, options: NetworkOptions): { vnl: string; rest: NetworkOptions } {
  const { head, kind = 'vde', rest, tail } = parse(vnl);
  const isNode = NODES.includes(kind);
  const unknown = WITHOUT_OPTIONS.includes(kind) ? ['port', 'group', 'mode'] : isNode || kind === 'ptp' ? ['port'] : [];
  for (const name of unknown as (keyof NetworkOptions)[]) {
    if (options[name] !== undefined) {
      throw invalidValue(`options.${name}`, `missing: a ${kind}:// has none`, options[name]);
    }
  }
  if (!isNode) return { vnl, rest: options };
  const { group, mode } = options;
  if (group !== undefined && !/^[\w.-]+$/.test(group)) {
    throw invalidValue('options.group', 'the name or number of a group', group);
  }
  const said = [mode === undefined ? '' : `mode=${mode.toString(8)}`, group === undefined ? '' : `grp=${group}`];
  const parameters = said.filter(Boolean).join('/');
  if (parameters === '') return { vnl, rest: {} };
  const [, path = '', own = ']'] = /^((?:'[^']*'?|"[^"]*"?|\\.?|[^[])*)(?:\[(.*))?$/s.exec(rest) ?? [];
  // what the locator itself says comes later, and counts
  return { vnl: `${head}${kind}://${path}[${parameters}/${own}${tail}`, rest: {} };
}
