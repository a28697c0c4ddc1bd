import { libc } from '../ffi/libc.js';

/** The lowest free descriptor numbers: `count`, or as many as there are. */
export function freeDescriptors(count: number): number[] {
  const found: number[] = [];
  for (let fd = 0; found.length < count; found.push(fd)) {
    fd = libc().dup(2);
    if (fd < 0) break;
  }
  closeAll(found);
  return found;
}

function closeAll(fds: readonly number[]): void {
  const [first, last] = [fds[0], fds.at(-1)];
  if (first === undefined || last === undefined) return;
  // mostly they are in a row, and one call closes them all
  if (last - first === fds.length - 1) libc().close_range(first, last, 0);
  else for (const fd of fds) libc().close(fd);
}
