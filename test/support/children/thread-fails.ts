/** A lab of which a thread that forwards dies while nobody calls it, as it would of too little memory. */
import { workers } from '../started-workers.js';

const { Lab } = await import('../../../lib/lab/index.js');

const lab = await Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { a: 'lan', b: 'lan' } });
process.on('warning', ({ name, message }) => console.log(`${name}: ${message}`));
await workers[0]!.terminate();
console.log(await lab.networks.lan.stats().catch(({ code }) => code));
// without a close: the end of the process does not wait for it either
if (process.argv[2] === 'close') await lab.close();
