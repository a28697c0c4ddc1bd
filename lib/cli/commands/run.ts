import { spawn } from 'node:child_process';
import { CHILD_VARIABLE } from '../../node/children.js';
import type { Command, Invocation } from '../command.js';
import { checkConfig, expandConfig } from '../config.js';
import { registerFlag } from '../package.js';
import { checkArgumentCount } from '../parse.js';
import { endOf, passOn } from '../program.js';

const USAGE = 'CONFIG PROGRAM [ARGUMENTS]';

/** `ioth run`. */
export const command: Command = {
  usage: USAGE,
  help: `
Runs a Node program, unchanged, on a stack of its own: its sockets and look-ups are the stack's, as with
'node -r ioth/register'. Standard input and output are the program's, and so are its exit code and the signal that
ends it. What is in front of PROGRAM goes to node: ioth run CONFIG --inspect app.js

  ioth run vde:///tmp/sw,eth,ip=10.0.0.2/24 server.js --port 80`,
  options: {
    children: {
      type: 'boolean',
      help: 'Node children have stacks of their own: %d in CONFIG is 1 here, 2, 3 … in them',
    },
  },
  ownArguments: 1,
  handlesSignals: true,
  async run({ args, options }: Invocation) {
    checkArgumentCount(args, 2, Number.POSITIVE_INFINITY, USAGE);
    const [config = '', ...program] = args;
    const IOTH = expandConfig(config);
    const waits = checkConfig(IOTH.replaceAll('%d', '1'));
    // inside of another such program it is on a stack of its own all the same
    const { [CHILD_VARIABLE]: _, ...environment } = process.env;
    const env = { ...environment, IOTH, ...(options.children ? { IOTH_CHILDREN: '1' } : {}) };
    const child = spawn(process.execPath, [registerFlag(waits), ...program], { stdio: 'inherit', env });
    return passOn(await endOf(child));
  },
};
