import { libioth, type StackPointer } from '../../ffi/ioth.js';
import { clearErrno, errno } from '../../ffi/libc.js';
import { libvdeplug, VDE_INTERFACE_VERSION, type VdeConnPointer } from '../../ffi/vdeplug.js';
import { readVdestack } from '../../ffi/vdestack.js';
import { checkEnvironment } from '../core/environment.js';
import { EADDRINUSE, EEXIST, EMFILE } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { closeOnExec, freeDescriptors } from '../io/open-descriptor.js';
import { withSignalsBlocked } from '../io/signal-mask.js';
import { childrenOf } from '../process/proc-file.js';
import { takeCableEnd } from '../vde/cable-end.js';
import { nodeDirectory, nodePath } from '../vde/locator.js';
import { joinsThisThread } from '../vde/open.js';
import { removeGoneNode } from '../vde/switch/switch-directory.js';
import { CommandPipe } from './command-pipe.js';
import { newstackError } from './newstack-error.js';
import { notePicox, preparePicox } from './picox.js';
import { isPicox, isVdestack, type StackSpec } from './plugin.js';
import { splitVnl } from './vnl.js';

/** The stack that ioth_newstackv(3) made. */
export interface NewStack {
  readonly pointer: StackPointer;
  readonly daemonPid: number | undefined;
  /** The processes of its `cmd://` networks. */
  readonly commands: readonly number[];
  readonly pipe: CommandPipe | undefined;
  /** The lowest descriptor number that it may have opened. */
  readonly firstFd: number;
  /** Those of its networks that are switches, hubs … of its own. */
  readonly nodes: readonly string[];
}

/**
 * Makes a stack: ioth_newstackv(3).
 * @throws {IothError} ENOTSUP for a missing plugin, EPERM for a plugin whose licence needs a compatible one, EBUSY for a second
 *   picox, ENOENT for a picox without vde_plug, EMFILE, EADDRINUSE for a switch that another process serves there, EDEADLK for a
 *   switch of this thread, the error of vde_open(3) for a network that cannot be joined
 */
export function newstack(spec: StackSpec): NewStack {
  checkEnvironment('ioth_newstack');
  checkNotOfThisThread(spec);
  preparePicox(spec);
  const nodes = spec.vnls.filter((vnl) => nodePath(vnl) !== undefined);
  const firstFd = checkFreeDescriptors(spec, nodes.length);
  const isKnown = isVdestack(spec.plugin);
  const mayHaveCommands = spec.vnls.some(startsCommand);
  // the list is long in a process with many stacks
  const children = isKnown && !mayHaveCommands ? undefined : new NewChildren();
  // with wires it joins its networks later
  const vnls = spec.wire === 'veth' ? [] : spec.vnls;
  for (const vnl of vnls) takeCableEnd(splitVnl(vnl)[1]);
  const call = () => callNewstack(spec.plugin, vnls);
  let [pointer, error] = call();
  if (error === EEXIST && makeRoom(spec)) [pointer, error] = call();
  // libvdeplug opens descriptors that a spawned child would inherit
  closeOnExec(firstFd);
  if (pointer === null) throw newstackError(error, spec);
  notePicox(spec);
  const memory = isKnown ? readVdestack(pointer) : undefined;
  const pipe = memory && CommandPipe.of(memory);
  // the child of picox is not used: it carries frames, and picoTCP waits for ever if it ends before the stack
  const made = isPicox(spec.plugin) ? [] : children?.made();
  const daemonPid = pipe ? memory.pid : (made ?? childrenOf('thread-self')).at(-1);
  const commands = mayHaveCommands ? (made ?? []).filter((child) => child !== daemonPid) : [];
  return { pointer, daemonPid, commands, pipe, firstFd, nodes };
}

/** The children that this thread makes from now on. */
class NewChildren {
  readonly #before = childrenOf('thread-self');

  /** Returns them in the order in which they were made, as the kernel lists them. */
  made(): number[] {
    return childrenOf('thread-self').filter((child) => !this.#before.includes(child));
  }
}

function startsCommand(vnl: string): boolean {
  return vnl.includes('cmd://');
}

/** Refuses a switch of this thread: C would wait for the switch, and the switch for C. */
function checkNotOfThisThread({ vnls }: StackSpec): void {
  const vnl = vnls.find((each) => joinsThisThread(splitVnl(each)[1]));
  if (vnl === undefined) return;
  const hint =
    'a VdePort of this thread serves that network, and cannot answer during this call: use a stack or a worker thread for it';
  throw new IothError('EDEADLK', { syscall: 'ioth_newstack', address: vnl, hint });
}

/**
 * Calls ioth_newstackv(3) with all signals blocked. A vdestack's daemon is a clone that keeps Node's signal handlers, on the same
 * pipe as ours: without a full mask, one Ctrl-C would be one 'SIGINT' event per daemon. The daemon keeps this mask.
 */
function callNewstack(plugin: string, vnls: readonly string[]): [pointer: StackPointer | null, error: number] {
  return withSignalsBlocked(() => {
    clearErrno();
    const made = libioth().newstackv(plugin, [...vnls, null]);
    return [made, made === null ? errno() : 0];
  });
}

/** Joins a network: vde_open(3), with the errors of {@link newstack}. */
export function openNetwork(vnl: string): VdeConnPointer {
  const open = (): [conn: VdeConnPointer | null, error: number] => {
    clearErrno();
    const conn = libvdeplug().open(splitVnl(vnl)[1], 'ioth_vdestack', VDE_INTERFACE_VERSION, null);
    return [conn, conn === null ? errno() : 0];
  };
  const spec = { plugin: '', vnls: [vnl] };
  let [conn, error] = open();
  if (error === EEXIST && makeRoom(spec)) [conn, error] = open();
  if (conn === null) throw newstackError(error, spec);
  return conn;
}

/** Removes a switch whose process is gone. Returns whether there was one. */
function makeRoom({ vnls }: StackSpec): boolean {
  const directories = vnls.map(nodeDirectory).filter((directory) => directory !== undefined);
  const found = directories.map(removeGoneNode);
  if (found.includes('alive')) throw newstackError(EADDRINUSE, { plugin: '', vnls });
  return found.includes('removed');
}

/**
 * Checks that enough descriptors are free. Without them C reports different errors, or hangs: for a plugin of libvdeplug that
 * cannot be opened it gives EPROTONOSUPPORT, for a tap that cannot be opened it gives no error.
 * @returns the lowest free descriptor number
 * @throws {IothError} EMFILE if there are fewer than a stack needs
 */
function checkFreeDescriptors(spec: StackSpec, nodes: number): number {
  const needed =
    COMMON_DESCRIPTORS +
    DESCRIPTORS_OF_A_NETWORK * spec.vnls.length +
    DESCRIPTORS_OF_A_PROOF * nodes +
    (spec.wire === 'veth' ? DESCRIPTORS_OF_A_THREAD : 0);
  const free = freeDescriptors(needed);
  if (free.length < needed) throw newstackError(EMFILE, spec);
  return free[0] as number;
}

/**
 * The command pipe, the daemon's pidfd, the socket pair that kills it with a worker, a netlink socket, the event set and a file.
 */
const COMMON_DESCRIPTORS = 8;
/** The connection to the network, and the tap or the packet sockets. */
const DESCRIPTORS_OF_A_NETWORK = 4;
/** The peers that test a switch of our own, what the switch opens for each, and the watches on them and on its directory. */
const DESCRIPTORS_OF_A_PROOF = 18;
/** The thread of wires: its event loop and event set, and the sockets that wake it. */
const DESCRIPTORS_OF_A_THREAD = 16;
