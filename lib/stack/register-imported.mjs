/** What `node --import ioth/register` gets: it waits for a top-level await and for nothing else, which CommonJS has not. */

import { register } from './register.js';

await register(import.meta.url);
