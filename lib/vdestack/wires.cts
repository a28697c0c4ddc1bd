/**
 * Returns the room of wires, which is loaded at the first call: most stacks have a tap. This file is CommonJS, so that `require`
 * exists in Node, jest and tsx.
 */
const wires = (): typeof import('../wire/wires.js', { with: { 'resolution-mode': 'import' }}) =>
  require('../wire/wires.js');

export = wires;
