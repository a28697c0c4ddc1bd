import { libc } from '../../ffi/libc.js';

/** Returns the lowest free descriptor numbers: `count`, or as many as there are. */
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
  const [first = 0] = fds;
  // they are mostly consecutive, and then one call closes them all; if another thread closed some, they are not
  const isRow = fds.length > 0 && fds.every((fd, i) => fd === first + i);
  if (isRow) libc().close_range(first, first + fds.length - 1, 0);
  else for (const fd of fds) libc().close(fd);
}
