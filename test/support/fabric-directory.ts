import { dirname } from 'node:path';
import { compileSources } from './compile.js';
import { compiled } from './compiled.js';

/* In jest, lib/fabric/directory.cts: the fabric's thread runs the compiled files, and tsx is not loaded for each. */

compileSources();
export default dirname(compiled('lib/fabric/worker.ts'));
