import { readdirSync, readlinkSync, realpathSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { libc } from '../ffi/libc.js';
import { decodeSockaddr, SOCKADDR_SIZE } from './sockaddr.js';

/** A VNL's own interface name, if it has one ('left:vde:///tmp/sw'), and the locator itself; the rule is ioth_vdestack's. */
export function splitVnl(vnl: string): [ifname: string | undefined, locator: string] {
  const colon = vnl.indexOf(':');
  const scheme = vnl.indexOf('://');
  if (colon < 0 || colon === scheme) return [undefined, vnl];
  return [vnl.slice(0, colon), vnl.slice(colon + 1)];
}

/** The interface that joins a VNL: the name in front of it, else vde0, vde1 … by position. */
export function interfaceName(vnl: string, position: number): string {
  return splitVnl(vnl)[0] ?? `vde${position}`;
}

/**
 * The directory of a switch://, hub://, multi:// or bonding:// that a stack made. Its daemon accepts the peers, and what it
 * opened for them nobody closes: two descriptors and a socket file for each peer that is joined when the stack ends, and
 * so the directory stays too.
 */
export class SwitchDirectory {
  readonly #path: string;
  readonly #identity: string;

  private constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path) ?? '';
  }

  /** Of a VNL that was just opened; undefined for one that makes no directory. */
  static of(vnl: string): SwitchDirectory | undefined {
    const path = /^(?:switch|hub|multi|bonding):\/\/([^[]+)/.exec(splitVnl(vnl)[1])?.[1];
    if (!path) return undefined;
    try {
      return new SwitchDirectory(join(realpathSync(dirname(path)), basename(path)));
    } catch {
      return undefined;
    }
  }

  /** Closes the switch's own ends. Call it after ioth_delstack(3): a directory that another switch made since is not touched. */
  closeDescriptors(): void {
    if (identityOf(this.#path) !== this.#identity) return;
    for (const fd of descriptorsBoundIn(this.#path)) libc().close(fd);
  }

  /** Removes what is left of it, when its descriptors are closed or end with the process. */
  remove(): void {
    try {
      if (identityOf(this.#path) !== this.#identity) return;
      for (const file of readdirSync(this.#path)) {
        // while C removes it too, on a thread that the process's end is about to stop
        if (/^(ctl|fd\d+)$/.test(file)) rmSync(join(this.#path, file), { force: true });
      }
      rmdirSync(this.#path);
    } catch {
      // somebody keeps something else in it, or removes it too
    }
  }
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.dev} ${stat.ino} ${stat.birthtimeNs}`;
}

/** The descriptors of the switch's own ends: those bound to `ctl` and `fdN` in its directory. */
function descriptorsBoundIn(directory: string): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      const path = isSocket(fd) ? boundPath(fd) : '';
      return path.startsWith(`${directory}/`) && /^(ctl|fd\d+)$/.test(path.slice(directory.length + 1));
    });
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false;
  }
}

function boundPath(fd: number): string {
  const [bytes, length] = [Buffer.alloc(SOCKADDR_SIZE), new Uint32Array([SOCKADDR_SIZE])];
  if (libc().getsockname(fd, bytes, length) < 0) return '';
  try {
    const { family, address } = decodeSockaddr(bytes, length[0] ?? 0);
    return family === 'Unix' ? address : '';
  } catch {
    return '';
  }
}
