/** What `node --require ioth/register` gets: require waits for nothing, so the stack must be ready at once. */

import { registerNow } from './register.js';

registerNow(__filename);
