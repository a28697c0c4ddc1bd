/** The entry for `node --import ioth/register`. It waits by a top-level await, which CommonJS does not have. */

import { register } from './register.js';

await register(import.meta.url);
