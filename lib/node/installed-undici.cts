/**
 * The undici that the program has installed, where it is asked for: not before, and without a promise. CommonJS among the
 * sources, so that `require` is there whoever loads them: Node, jest, tsx.
 */
const installedUndici = (): unknown => require('undici');

export = installedUndici;
