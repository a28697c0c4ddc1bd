import { closeSync, openSync, type Stats, statSync } from 'node:fs';
import { textIfReadable } from '../core/files.js';
import type { Obstacle } from './obstacle.js';
import { findPlace, type Place } from './place.js';

/** The device that connects a vdestack to a network. */
export const TUN = '/dev/net/tun';

const GIVE: Readonly<Record<Place, string>> = {
  docker: `docker run --device ${TUN} …`,
  podman: `podman run --device ${TUN} …`,
  kubernetes: `give the pod the device: a volume with hostPath ${TUN}, and securityContext: { privileged: true }`,
  lxc: `incus config device add NAME tun unix-char path=${TUN} (with LXD: lxc config …)`,
  'systemd-nspawn': `systemd-nspawn --bind=${TUN} --property='DeviceAllow=${TUN} rw' …`,
  unit: `add DeviceAllow=${TUN} rw to the unit`,
  machine: `let this process use the device: its cgroup or a security module refuses it`,
};

/** The reason why this process cannot open {@link TUN}; `code` is that of the error. */
export interface TunObstacle extends Obstacle {
  readonly code: string;
}

/** Returns the mode and the owner of {@link TUN}; undefined if there is no such device. */
export function tunRights(): string | undefined {
  const stat = statTun();
  return stat && rightsOf(stat);
}

/** Tries to open {@link TUN}. Returns undefined if this process can. */
export function tunObstacle(place: Place = findPlace()): TunObstacle | undefined {
  const stat = statTun();
  if (!stat)
    return { code: 'ENODEV', why: `there is no ${TUN}: it joins a vdestack to networks`, remedy: toHave(place) };
  try {
    closeSync(openSync(TUN, 'r+'));
    return undefined;
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return { code, why: closedTo(stat), remedy: toOpen(stat) };
    if (code === 'EPERM') return { code, why: `opening ${TUN} is not permitted here (EPERM)`, remedy: GIVE[place] };
    return { code, why: `${TUN} cannot be opened (${code})`, remedy: 'modprobe tun (as root)' };
  }
}

function statTun(): Stats | undefined {
  return statSync(TUN, { throwIfNoEntry: false });
}

function rightsOf({ mode, uid, gid }: Stats): string {
  return `mode ${(mode & 0o777).toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;
}

function toHave(place: Place): string {
  if (place !== 'machine' && place !== 'unit') return GIVE[place];
  const isInKernel = / tun$/m.test(textIfReadable('/proc/misc'));
  return isInKernel ? `mkdir -p /dev/net && mknod -m 666 ${TUN} c 10 200 (as root)` : 'modprobe tun (as root)';
}

function closedTo(stat: Stats): string {
  return `${TUN} (${rightsOf(stat)}) cannot be opened by uid ${process.geteuid?.()}`;
}

function toOpen({ mode, gid }: Stats): string {
  const group = (mode & 0o060) === 0o060 && gid !== 0 ? groupName(gid) : undefined;
  if (group) return `usermod -aG ${group} USER (as root) and a new login, or chmod 666 ${TUN} (as root)`;
  return `chmod 666 ${TUN} (as root), or run as its owner`;
}

function groupName(gid: number): string | undefined {
  return new RegExp(`^([^:]+):[^:]*:${gid}:`, 'm').exec(textIfReadable('/etc/group'))?.[1];
}
