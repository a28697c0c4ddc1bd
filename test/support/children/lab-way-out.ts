/** A link and a network that are open when the process ends: `lab-way-out.ts DIRECTORY WAY`. */
import { Fabric, Link } from '../../../lib/lab/index.js';

const [dir = '', way] = process.argv.slice(2);
await Link.create(`ptp://${dir}/a`, `ptp://${dir}/b`, { delay: 5 });
const fabric = await Fabric.start({ threads: 2 });
const network = fabric.addNetwork('lan');
await network.addPort('switch', `switch://${dir}/switch`);
await network.addCable('alice');
await fabric.addNetwork('wan').addPort('switch', `switch://${dir}/second`);
console.log('open');
switch (way) {
  case 'exit':
    process.exit(3);
    break;
  case 'exception':
    throw new Error('nobody catches this');
  case 'signal':
    setInterval(() => {}, 1000);
    break;
  case 'while opening':
    void network.addPort('bob', `ptp://${dir}/bob`);
    process.exit(3);
}
