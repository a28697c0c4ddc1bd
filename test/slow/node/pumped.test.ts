import { usePump } from '../../support/pump.js';

/* What Node's modules do on a stack, where they carry every byte to sockets of the stack: IOTH_PUMP, as in system/node/pump. */

usePump();

describe.each(['handles', 'faces', 'names', 'override', 'pools', 'zones'])('pumped: %s', (name) => {
  require(`../../system/node/${name}.test`);
});
describe('pumped: register', () => {
  require('./register.test');
});
