const { createRequire } = require('node:module') as typeof import('node:module');

/**
 * Returns the room of wires, which is loaded at the first call: most stacks have a tap. This file is CommonJS, so that `__filename`
 * exists in Node, jest and tsx. The `require` of a file that an ES module imported cannot load sources in tsx.
 */
const wires = (): typeof import('../wire/wires.js', { with: { 'resolution-mode': 'import' }}) =>
  createRequire(__filename)('../wire/wires.js');

export = wires;
