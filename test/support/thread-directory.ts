import { dirname } from 'node:path';
import { compileSources } from './compile.js';
import { compiled } from './compiled.js';

/* In jest, lib/thread/directory.cts: threads run the compiled files, and tsx is not loaded for each. */

compileSources();
export default dirname(compiled('lib/thread/start-worker.ts'));
