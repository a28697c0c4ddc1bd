import { existsSync } from 'node:fs';
import { textIfReadable } from '../core/files.js';

const CONTAINERS = ['docker', 'podman', 'kubernetes', 'lxc', 'systemd-nspawn'] as const;

/** Where this process runs: a kind of container, a unit of systemd, or a machine without either. */
export type Place = (typeof CONTAINERS)[number] | 'unit' | 'machine';

/** Returns the place that the marks of container managers name. */
export function findPlace(): Place {
  const { KUBERNETES_SERVICE_HOST, INVOCATION_ID, container } = process.env;
  if (KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (existsSync('/run/.containerenv')) return 'podman';
  if (existsSync('/.dockerenv')) return 'docker';
  const named = container || textIfReadable('/run/systemd/container').trim();
  return CONTAINERS.find((each) => each === named) ?? (INVOCATION_ID ? 'unit' : 'machine');
}

/** Returns how root sets a setting of the kernel. A container cannot set those of its machine. */
export function sysctlCommand(setting: string, value: number, place: Place): string {
  const isContainer = place !== 'machine' && place !== 'unit';
  return `sysctl -w ${setting}=${value} (as root${isContainer ? ', on the machine of this container' : ''})`;
}
