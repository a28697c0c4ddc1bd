import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { libvdeplug, VDE_INTERFACE_VERSION, type VdeConnPointer, type VdeOpenArgs } from '../../ffi/vdeplug.js';
import { untilAborted } from '../core/abort.js';
import { checkEnvironment } from '../core/environment.js';
import { codeOf } from '../core/errno.js';
import { IothError } from '../core/errors.js';
import { within } from '../core/waiting.js';
import { type NativeResult, runNativeAsync } from '../io/async-calls.js';
import { takeCableEnd } from './cable-end.js';
import { closeUnused } from './close-command.js';
import { Connection, servesNode } from './connection.js';
import { checkLocator, type NetworkOptions, nodeDirectory, nodePath, resolveLocator, withOptions } from './locator.js';
import { joinedDirectories, unanswered, untilServed } from './switch/joined-switch.js';
import { LIVING_NODE_MS, removeGoneNode } from './switch/switch-directory.js';
import { SwitchPeer } from './switch/switch-peer.js';

/** The hints for a path where no switch or hub can be made. */
export const PATH_HINTS = {
  EADDRINUSE: (path: string) =>
    `somebody serves a network there already: join it with 'vde://${path}', or choose another path`,
  EEXIST: 'the path exists and is not the directory of a switch: choose another path, or remove it',
  ENOENT: (path: string) => `the directory ${dirname(path)} does not exist: make it first`,
};
export const OUT_OF_DESCRIPTORS = 'the process is out of descriptors: close some, or raise ulimit -n';

/** The arguments of vde_open(3). */
export interface OpenRequest {
  readonly vnl: string;
  readonly description: string;
  readonly options: NetworkOptions;
  /** The time that the network has to answer, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

/** The mode of a port's sockets, if only other options are given. */
const DEFAULT_MODE = 0o700;

/**
 * Calls vde_open(3) on a thread of libuv.
 * @throws {IothError} like VdePort.open
 */
export async function openConnection(request: OpenRequest): Promise<Connection> {
  return new Connection(await openPointer(request), nodeDirectory(resolveLocator(request.vnl)));
}

/** Calls vde_open(3) like {@link openConnection}, and returns the bare pointer: the caller receives, sends and closes. */
export async function openPointer(request: OpenRequest): Promise<VdeConnPointer> {
  const deadline = performance.now() + request.timeout;
  checkEnvironment('vde_open');
  const locator = resolveLocator(request.vnl);
  checkLocator(locator, 'vde_open');
  const { vnl, rest } = withOptions(locator, request.options);
  const call = { ...request, vnl };
  const args = argumentsOf(rest);
  await untilServed({ ...request, syscall: 'vde_open' });
  takeCableEnd(locator);
  let { result: conn, errno } = await open(call, args, deadline);
  if (conn === null && codeOf(errno) === 'EEXIST' && (await makeRoom(call, deadline))) {
    ({ result: conn, errno } = await open(call, args, deadline));
  }
  if (conn === null) throw openError(errno, request.vnl);
  return conn;
}

/** Returns the options for C; null without options, since the plugins have their own defaults. */
function argumentsOf({ port, group, mode }: NetworkOptions): VdeOpenArgs | null {
  if (port === undefined && group === undefined && mode === undefined) return null;
  return { port: port ?? 0, group: group ?? null, mode: mode ?? DEFAULT_MODE };
}

/** Returns whether a VNL joins a switch or hub of this thread's own, which cannot be joined while this thread is blocked. */
export function joinsThisThread(vnl: string): boolean {
  return joinedDirectories(vnl).some(servesNode);
}

/** Makes one call. If it takes too long, the connection that it opens later is closed. */
async function open(
  { vnl, description, timeout, signal }: OpenRequest,
  args: VdeOpenArgs | null,
  deadline: number,
): Promise<NativeResult<VdeConnPointer | null>> {
  const call = runNativeAsync<VdeConnPointer | null>(
    (done) => libvdeplug().open_async(vnl, description, VDE_INTERFACE_VERSION, args, done),
    'slow',
  );
  try {
    const isInTime = await untilAborted(within(call, Math.max(1, deadline - performance.now())), signal);
    if (!isInTime) throw unanswered({ vnl, syscall: 'vde_open', timeout });
    return await call;
  } catch (error) {
    call.then(({ result }) => (result === null ? undefined : closeUnused(result))).catch(() => {});
    throw error;
  }
}

/** Removes a node whose process is gone. Asks it from the loop, since this thread may be the node. Returns whether it did. */
async function makeRoom({ vnl, signal }: OpenRequest, deadline: number): Promise<boolean> {
  const directory = nodeDirectory(vnl);
  if (directory === undefined) return false;
  let peer: SwitchPeer | undefined;
  try {
    peer = new SwitchPeer(directory);
    const limit = Math.min(LIVING_NODE_MS, deadline - performance.now());
    // a daemon whose owner was killed notices it when a peer joins: it ends, and hangs up
    if (!(await peer.replied(limit, signal)) || peer.takeReply()) throw inUse(vnl);
  } catch (error) {
    // anything else at the path is checked below
    if (!(error instanceof IothError) || ['EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC'].includes(error.code))
      throw error;
  } finally {
    peer?.close();
  }
  const found = removeGoneNode(directory);
  if (found === 'alive') throw inUse(vnl);
  return found === 'removed';
}

function inUse(vnl: string): IothError {
  return failure('EADDRINUSE', vnl, PATH_HINTS.EADDRINUSE(String(nodePath(vnl))));
}

function openError(error: number, vnl: string): IothError {
  // some plugins fail without setting errno
  const code = error === 0 ? 'EINVAL' : codeOf(error);
  if (code === 'EPROTONOSUPPORT' && !hasFreeDescriptor()) {
    return failure('EMFILE', vnl, OUT_OF_DESCRIPTORS);
  }
  return failure(code, vnl, hintOf(code, vnl));
}

function failure(code: string, vnl: string, hint: string): IothError {
  return new IothError(code, { syscall: 'vde_open', address: vnl, hint });
}

function hintOf(code: string, vnl: string): string {
  const path = nodePath(vnl);
  switch (code) {
    case 'EPROTONOSUPPORT':
      return `libvdeplug has no plugin '${vnl.split('://')[0]}': check the spelling, or install its package (libvdeplug-slirp, libvdeplug-vlan)`;
    case 'EEXIST':
      return PATH_HINTS.EEXIST;
    case 'ENOENT':
      return path === undefined
        ? "there is no such network: 'switch://PATH' makes one that 'vde://PATH' joins"
        : PATH_HINTS.ENOENT(path);
    case 'ECONNREFUSED':
      return 'no process serves this network any more';
    default:
      return 'the network could not be joined';
  }
}

function hasFreeDescriptor(): boolean {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return true;
  } catch {
    return false;
  }
}
