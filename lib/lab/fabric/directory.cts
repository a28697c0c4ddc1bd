/** Where these files are. CommonJS among the sources, so that `__dirname` is there whoever loads them: Node, jest, tsx. */
export = __dirname;
