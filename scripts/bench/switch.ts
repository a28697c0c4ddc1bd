import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a directory for sockets meanwhile: the VNL of a stack that has a switch, and that of those which join it. */
export async function withSwitch<T>(measure: (vnl: string, vnlOfPeer: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'ioth-bench-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // an interrupt ends the process
  process.once('exit', remove);
  try {
    return await measure(`switch://${join(directory, 'switch')}`, `vde://${join(directory, 'switch')}`);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
