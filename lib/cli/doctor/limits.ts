import { textIfReadable } from '../../core/files.js';
import { type Finding, ok, warning } from './finding.js';

/** The file descriptors of this process that a host of a lab takes, with one network. It takes one process too. */
export const DESCRIPTORS_A_HOST = 6;
const MANY_HOSTS = 100;
/** The kernel's default. */
const NEIGHBOURS = 1024;
const THRESHOLD = '/proc/sys/net/ipv4/neigh/default/gc_thresh3';

/**
 * Checks the limits that large labs meet: descriptors, processes of the user, neighbours of all stacks of the machine.
 * @param limits text of proc_pid_limits(5)
 */
export function limitsFinding(limits = textIfReadable('/proc/self/limits')): Finding {
  const check = 'limits';
  // Node has raised the limits as far as it may
  const limitOf = (name: string) => new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1] ?? 'unlimited';
  const [descriptors, processes] = [limitOf('Max open files'), limitOf('Max processes')];
  // not to be seen in a network namespace of its own
  const threshold = textIfReadable(THRESHOLD).trim();
  const shown = [`${descriptors} descriptors`, `${processes} processes`];
  if (threshold) shown.push(`${threshold} neighbours of all stacks`);
  const ofDescriptors = Math.floor(numberOf(descriptors) / DESCRIPTORS_A_HOST);
  const hosts = Math.min(ofDescriptors, numberOf(processes));
  const message = `${shown.join(', ')}${Number.isFinite(hosts) ? `: room for ${hosts} hosts of labs` : ''}`;
  if (hosts < MANY_HOSTS) {
    const remedy =
      hosts === ofDescriptors
        ? 'nofile in limits.conf(5), LimitNOFILE= of systemd, docker run --ulimit nofile=4096'
        : 'nproc in limits.conf(5), TasksMax= of systemd, docker run --pids-limit 4096';
    return warning(check, message, `for large labs: ${remedy}`);
  }
  if (threshold && Number(threshold) < NEIGHBOURS) {
    return warning(check, message, `sysctl -w net.ipv4.neigh.default.gc_thresh3=${NEIGHBOURS}`);
  }
  return ok(check, message);
}

function numberOf(limit: string): number {
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}
