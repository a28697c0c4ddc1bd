import { useWire } from '../../support/wire.js';

/*
 * Tests of sockets, configuration, Node's modules, labs and captures, on stacks without a tap. Others pass as well: IOTH_WIRE=veth
 * npx jest system. Left out are those that compare with ip(8), which shows the far ends of pairs, and those that count the
 * descriptors of a process at once, as those of the thread are closed a moment later.
 */

useWire('veth');

describe.each([
  'socket/tcp',
  'socket/udp',
  'socket/packet',
  'config/dhcp4-packet-sockets',
  'node/names',
  'node/override',
  'lab/services',
  'vde/capture',
])('without a tap: %s', (name) => {
  require(`../../system/${name}.test`);
});
