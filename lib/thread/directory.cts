/** The directory of this room. This file is CommonJS, so that `__dirname` exists in Node, jest and tsx. */
export = __dirname;
