import { libc } from '../ffi/libc.js';

/** The lowest free descriptor numbers: `count`, or as many as there are. */
export function freeDescriptors(count: number): number[] {
  const found: number[] = [];
  for (let fd = 0; found.length < count; found.push(fd)) {
    fd = libc().dup(2);
    if (fd < 0) break;
  }
  for (const fd of found) libc().close(fd);
  return found;
}
