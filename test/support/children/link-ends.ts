/**
 * Both ends of a link that has a delay on its way from the first: `link-ends.ts VNL VNL COUNT` says the mean time, in
 * milliseconds, that a frame takes on that way more than on the way back.
 */
import { constants, setPriority } from 'node:os';
import { VdePort } from '../../../lib/vde/index.js';
import { greeting } from '../vde.js';

try {
  // it measures the link, not how long it waits for a processor itself
  setPriority(constants.priority.PRIORITY_HIGH);
} catch {
  // that takes CAP_SYS_NICE
}
const [vnlA = '', vnlB = '', count] = process.argv.slice(2);
const a = await VdePort.open(vnlA);
const b = await VdePort.open(vnlB);
const frame = greeting(1, 'how long?');

async function timeOf(from: VdePort, to: VdePort): Promise<number> {
  const start = performance.now();
  await Promise.all([to.recv(), from.send(frame)]);
  return performance.now() - start;
}

// what is compiled at first use does not count
for (let i = 0; i < 100; i++) await timeOf(a, b);
console.log('ready');
let total = 0;
for (let i = 0; i < Number(count); i++) total += (await timeOf(a, b)) - (await timeOf(b, a));
console.log(`mean ${total / Number(count)}`);
await a.close();
await b.close();
