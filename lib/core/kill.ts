/** Sends a signal to a process. Does nothing if it has just ended, or runs as another user now. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {}
}
