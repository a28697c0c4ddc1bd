import { spawn } from 'node:child_process';
import { CHILD_VARIABLE } from '../../node/children.js';
import type { Command, Invocation } from '../command.js';
import { checkConfig, expandConfig } from '../config.js';
import { registerFlag } from '../package.js';
import { endOf, passOn } from '../program.js';

/** `ioth run`. */
export const command: Command = {
  usage: 'CONFIG PROGRAM [ARGUMENTS]',
  argumentCount: [2, Number.POSITIVE_INFINITY],
  help: `
Runs an unchanged Node program on a stack of its own. Its sockets and look-ups use the stack, as with
'node -r ioth/register'. Standard input and output are the program's. So are the exit code and the signal that ends it.
Options before PROGRAM go to node: ioth run CONFIG --inspect app.js

  ioth run vde:///tmp/sw,eth,ip=10.0.0.2/24 server.js --port 80`,
  options: {
    children: { help: 'gives each Node child a stack of its own: %d in CONFIG is 1 here, 2, 3 … in the children' },
  },
  runsProgram: true,
  async run({ args, options, leaveSignals }: Invocation) {
    const [config = '', ...program] = args;
    const IOTH = expandConfig(config);
    const waits = checkConfig(IOTH.replaceAll('%d', '1'));
    // inside another such program, the new program still gets a stack of its own
    const { [CHILD_VARIABLE]: _, ...environment } = process.env;
    const env = { ...environment, IOTH, ...(options.children ? { IOTH_CHILDREN: '1' } : {}) };
    // from here on the program handles signals
    leaveSignals();
    const child = spawn(process.execPath, [registerFlag(waits), ...program], { stdio: 'inherit', env });
    return passOn(await endOf(child));
  },
};
