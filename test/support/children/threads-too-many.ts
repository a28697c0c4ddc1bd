/** Starts a fabric with more threads than there are descriptors for, and then one with two. */
import { Fabric } from '../../../lib/lab/index.js';
import { openDescriptors } from '../processes.js';
import './few-descriptors.js';

/** Without event sets: Node does not close that of a worker that it cannot start. */
function descriptors(): number {
  return openDescriptors().filter((each) => !each.includes('eventpoll')).length;
}

await (await Fabric.start()).close();
const before = descriptors();
const error = await Fabric.start({ threads: 64 }).catch((error) => error);
console.log(error.code, descriptors() - before);
const fabric = await Fabric.start({ threads: 2 });
console.log(fabric.addNetwork('lan').ports);
await fabric.close();
console.log('closed', descriptors() - before);
