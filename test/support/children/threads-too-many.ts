/** Starts a fabric with more threads than there are descriptors for, and then one with two. */
import { readdirSync, readlinkSync } from 'node:fs';
import { Fabric } from '../../../lib/lab/index.js';
import './few-descriptors.js';

/** Without event sets: Node does not close that of a worker that it cannot start. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => !nameOf(fd).includes('eventpoll')).length;
}

function nameOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return 'that of the directory';
  }
}

await (await Fabric.start()).close();
const before = descriptors();
const error = await Fabric.start({ threads: 64 }).catch((error) => error);
console.log(error.code, descriptors() - before);
const fabric = await Fabric.start({ threads: 2 });
console.log(fabric.addNetwork('lan').ports);
await fabric.close();
console.log('closed', descriptors() - before);
