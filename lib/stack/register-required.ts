/** The entry for `node --require ioth/register`. require cannot wait, so the stack must be ready at once. */

import { registerNow } from './register.js';

registerNow(__filename);
