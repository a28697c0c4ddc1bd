/** What `node --require ioth/register` gets: require waits for nothing, and the program would begin without its stack. */

import { IothError } from '../core/errors.js';

throw new IothError('ERR_IOTH_REGISTER', {
  hint: 'require cannot wait for the stack: say node --import ioth/register',
});
