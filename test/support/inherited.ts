/** For a shell: its own descriptors and what they are. */
export const LIST = 'for fd in /proc/$$/fd/*; do echo "$(basename "$fd") $(readlink "$fd")"; done';

/** Those of a stack in that list, besides the standard streams; the shell itself opens a pipe and its script. */
export function socketsIn(list: string): string[] {
  return list.split('\n').filter((line) => /^([3-9]|\d\d+) (socket:|anon_inode:|\/dev\/net|net:)/.test(line));
}
