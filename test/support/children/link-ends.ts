/** Both ends of a link: `link-ends.ts VNL VNL COUNT` says the mean time, in milliseconds, that a frame takes from the first. */
import { VdePort } from '../../../lib/vde/index.js';
import { greeting } from '../vde.js';

const [vnlA = '', vnlB = '', count] = process.argv.slice(2);
const a = await VdePort.open(vnlA);
const b = await VdePort.open(vnlB);
const frame = greeting(1, 'how long?');
// what is compiled at first use does not count
for (let i = 0; i < 100; i++) await Promise.all([b.recv(), a.send(frame)]);
console.log('ready');
let total = 0;
for (let i = 0; i < Number(count); i++) {
  const start = performance.now();
  await Promise.all([b.recv(), a.send(frame)]);
  total += performance.now() - start;
}
console.log(`mean ${total / Number(count)}`);
await a.close();
await b.close();
