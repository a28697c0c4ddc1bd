import { readlinkSync } from 'node:fs';

/**
 * Returns the name that proc(5) has for what an open descriptor refers to, as 'pipe:[4711]', and its kind: 'socket', 'pipe',
 * 'eventpoll' …, or the name if it has no kind.
 * @throws {Error} ENOENT if it is not open
 */
export function fileOf(fd: number): { name: string; kind: string } {
  const name = readlinkSync(`/proc/self/fd/${fd}`);
  return { name, kind: /^(?:anon_inode:\[(\w+)\]|(\w+):\[\d+\])$/.exec(name)?.slice(1).find(Boolean) ?? name };
}
