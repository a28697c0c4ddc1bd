/**
 * Returns the undici that the program has installed. Loads it when it is called, without a promise. This file is CommonJS, so
 * that `require` exists in Node, jest and tsx.
 */
const installedUndici = (): unknown => require('undici');

export = installedUndici;
