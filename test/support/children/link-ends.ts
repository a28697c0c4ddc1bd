/** Both ends of a link: `link-ends.ts VNL VNL COUNT FILE` sends COUNT frames there and back, and makes the file then. */
import { writeFileSync } from 'node:fs';
import { VdePort } from '../../../lib/vde/index.js';
import { greeting } from '../vde.js';

const [vnlA = '', vnlB = '', count, file = ''] = process.argv.slice(2);
const a = await VdePort.open(vnlA);
const b = await VdePort.open(vnlB);
const frame = greeting(1, 'there and back');
console.log('ready');
for (let i = 0; i < Number(count); i++) {
  await Promise.all([b.recv(), a.send(frame)]);
  await Promise.all([a.recv(), b.send(frame)]);
}
writeFileSync(file, '');
await a.close();
await b.close();
