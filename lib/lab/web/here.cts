/** The directory of these files. This one is CommonJS, so that `__dirname` exists in Node, jest and tsx. */
export = __dirname;
