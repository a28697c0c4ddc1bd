import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errno, libc } from '../../ffi/libc.js';
import { encodeSockaddr } from '../address/sockaddr.js';
import { AF_UNIX, SO_TYPE, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_SEQPACKET, SOL_SOCKET } from '../constants/socket.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { lookAt } from '../core/files.js';
import { checkInteger, INT_MAX, invalidValue } from '../core/validate.js';

/** The longest path in a `struct sockaddr_un`, without its NUL. */
const MAX_SOCKET_PATH = 107;
/** The longest locator, in bytes: libvdeplug copies it to a buffer on the call stack. */
const MAX_LOCATOR = 4095;
/** The longest name of a tap: ioth_newstack(3) and vde_open(3) cut a longer one. */
const MAX_TAP_NAME = 15;
/** The longest name of a socket in a node's directory. */
const NODE_SOCKET = '/fd00000';
/** The bytes that ptp:// needs after its path: '+' for the second end, and one because its buffer is one byte smaller. */
const PTP_SUFFIX = 2;
/** The most characters of a locator in a message. */
const MAX_SHOWN = 200;

const NODES: readonly string[] = ['switch', 'hub', 'multi', 'bonding'];
const WITHOUT_OPTIONS = ['null', 'seqpacket', 'cmd', 'udp', 'vxlan', 'vxvde', 'tap', 'slirp'];
/** Kinds in which a brace is a normal character. Kinds of other packages (vlan://3{…}) have a nested network in braces. */
const WITHOUT_NESTED = [...NODES, ...WITHOUT_OPTIONS, 'vde', 'ptp', 'macvtap'];

/** The parts of a locator: `head` + `kind` + '://' + `rest` + `tail`. Those of the innermost network, if networks are nested. */
interface Locator {
  readonly head: string;
  /** The kind of network: 'vde', 'switch' …; undefined for a plain path, which stands for vde://. */
  readonly kind: string | undefined;
  readonly rest: string;
  readonly tail: string;
}

function parse(vnl: string): Locator {
  // the locator of a stack begins with the interface's name
  const [, head = '', kind, rest = ''] = /^(?:([^:/]*:)(?=[\w-]*:\/\/))?([\w.-]*):\/\/(.*)$/s.exec(vnl) ?? [];
  if (kind === undefined) return { head: '', kind, rest: vnl, tail: '' };
  const nested = WITHOUT_NESTED.includes(kind) ? null : /^([^{]*\{)(.*)(\}.*)$/s.exec(rest);
  if (!nested) return { head, kind, rest, tail: '' };
  const [, before, below = '', after] = nested;
  const inner = parse(below);
  return { ...inner, head: `${head}${kind}://${before}${inner.head}`, tail: inner.tail + after };
}

/** Returns the path before '[parameters]', as libvdeplug reads it: quoted by ' or ", by \, or as %20. */
function pathIn(rest: string): string {
  // bytes, since %C3 is a byte, not a character
  const bytes = Buffer.from(rest).toString('latin1');
  const tokens = /'([^']*)'?|"([^"]*)"?|\\(.?)|%([\da-f]{2})|(\[)|./gis;
  let path = '';
  for (const [text, single, double, escaped, hex, bracket] of bytes.matchAll(tokens)) {
    if (bracket) break;
    path += single ?? double ?? escaped ?? (hex ? String.fromCharCode(Number.parseInt(hex, 16)) : text);
  }
  return Buffer.from(path, 'latin1').toString();
}

/** Quotes a path for a locator. */
export function quotePath(path: string): string {
  return path.replace(/['"\\%[]/g, '\\$&');
}

/** Returns the path, as written, of the switch, hub, multi or bonding node that a VNL makes; undefined if it makes none. */
export function nodePath(vnl: string): string | undefined {
  const { kind = '', rest } = parse(vnl);
  return NODES.includes(kind) ? pathIn(rest) || undefined : undefined;
}

/** Returns the absolute path of the node that a VNL makes; undefined if it makes none, or the parent directory is missing. */
export function nodeDirectory(vnl: string): string | undefined {
  const path = nodePath(vnl);
  if (path === undefined) return undefined;
  const parent = realPath(dirname(path));
  return parent === undefined ? undefined : join(parent, basename(path));
}

/** Returns the path, as written and maybe '', of the switch that a VNL joins; undefined if it joins none. */
export function joinedPath(vnl: string): string | undefined {
  const { kind = 'vde', rest } = parse(vnl);
  return kind === 'vde' ? pathIn(rest) : undefined;
}

/** The kinds of networks whose plug sends and receives each frame, as it is, by one call on its socket. */
export type RawFrames = 'vde' | 'ptp' | 'seqpacket';
const RAW: readonly string[] = ['vde', 'ptp', 'seqpacket'] satisfies RawFrames[];

/** Returns the kind of a network whose frames pass its socket as they are; undefined for any other, and for one in another. */
export function rawFrames(vnl: string): RawFrames | undefined {
  const { head, kind } = parse(vnl);
  return head === '' && kind !== undefined && RAW.includes(kind) ? (kind as RawFrames) : undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Returns the locator that a VNL stands for: the first line of a file, or the user's default file or directory for ''.
 * libvdeplug would read the file again, and could find another locator than the one that was checked.
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
    // does not wait for a FIFO
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
 * Checks a VNL before C sees it: libvdeplug silently cuts text that is too long, or writes past the end of a buffer.
 * @param syscall the call that errors name
 * @throws {TypeError} ERR_INVALID_ARG_VALUE for a missing path or descriptor
 * @throws {IothError} ENAMETOOLONG; EEXIST of a ptp:// if another file is at its path; EBADF, ENOTSOCK, EPROTOTYPE of a
 * seqpacket:// if the descriptor is no such socket
 */
export function checkLocator(vnl: string, syscall: 'vde_open' | 'ioth_newstack'): void {
  const address = shown(vnl);
  const fail = (code: string, hint: string): never => {
    throw new IothError(code, { syscall, address, hint });
  };
  const checkLength = (what: string, text: string, limit: number): void => {
    const length = Buffer.byteLength(text);
    if (length > limit) fail('ENAMETOOLONG', `${what} has ${length} bytes, but the limit is ${limit}`);
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

/** Returns the longest name in a switch's directory: a peer makes `.PID-NUMBER`, and joins `ctl` or the name in brackets. */
function longestSocketOfPeer(rest: string): number {
  const group = /\[([^\]/=]*)/.exec(rest)?.[1] ?? '';
  return Math.max(`/.${String(process.pid).padStart(5)}-00000`.length, Buffer.byteLength(group) + 1);
}

type Fail = (code: string, hint: string) => never;

/** Checks the ends of a ptp://. It removes files at its paths that do not answer: these must be sockets of this user. */
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

/** Checks the descriptor of a seqpacket://. C would read 'hello' as descriptor 0, and close it in the end. */
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
  // a byte stream has no frame boundaries
  if (type[0] !== SOCK_SEQPACKET && type[0] !== SOCK_DGRAM) {
    fail('EPROTOTYPE', `descriptor ${fd} is no SOCK_SEQPACKET socket`);
  }
}

/** Returns the descriptor of a seqpacket://; undefined for other networks. */
export function descriptorIn(vnl: string): number | undefined {
  const { kind, rest } = parse(vnl);
  return kind === 'seqpacket' ? Number(rest) : undefined;
}

/** The options of vde_open(3). */
export interface NetworkOptions {
  readonly port?: number;
  readonly group?: string;
  readonly mode?: number;
}

/**
 * Writes the options of a node into its VNL, since libvdeplug 4.0.1 does not pass them on to a node.
 * @throws {TypeError} for an option that this kind of network does not have and would ignore
 */
export function withOptions(vnl: string, options: NetworkOptions): { vnl: string; rest: NetworkOptions } {
  const { head, kind = 'vde', rest, tail } = parse(vnl);
  const isNode = NODES.includes(kind);
  const unknown = WITHOUT_OPTIONS.includes(kind) ? ['port', 'group', 'mode'] : isNode || kind === 'ptp' ? ['port'] : [];
  for (const name of unknown as (keyof NetworkOptions)[]) {
    if (options[name] !== undefined) {
      throw invalidValue(`options.${name}`, `left out: ${kind}:// has no such option`, options[name]);
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
  // the locator's own parameters come later, and win
  return { vnl: `${head}${kind}://${path}[${parameters}/${own}${tail}`, rest: {} };
}
