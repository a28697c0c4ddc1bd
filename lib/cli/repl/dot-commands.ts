import type { REPLServer } from 'node:repl';
import { inspect, promisify } from 'node:util';
import { printableLines } from '../../core/printable.js';
import { openStacks } from '../../stack/open-stacks.js';
import { Stack } from '../../stack/stack.js';
import { listText } from '../terminal.js';
import { socketLines } from './sockets.js';

const SHOWN: readonly (readonly [name: string, what: string, show: (stack: Stack) => string])[] = [
  ['ip', 'interfaces and addresses', (stack) => listText(stack.interfaces())],
  ['route', 'routes', (stack) => listText(stack.routes())],
  ['sockets', 'TCP and UDP sockets', socketLines],
];

/** Defines the commands `.stacks`, `.ip`, `.route` and `.sockets`. */
export function defineDotCommands(server: REPLServer, stack: Stack): void {
  const define = (name: string, help: string, action: (argument: string) => Promise<string> | string) => {
    server.defineCommand(name, {
      help,
      async action(argument) {
        this.clearBufferedCommand();
        // an exception here would end the REPL
        const text = await Promise.resolve(argument.trim()).then(action).catch(failureText);
        if (text) this.output.write(`${text}\n`);
        this.displayPrompt();
      },
    });
  };
  const evaluate = promisify(server.eval.bind(server));
  const ofStack = (show: (stack: Stack) => string) => async (expression: string) => {
    const value = expression === '' ? stack : await evaluate(`(${expression})`, server.context, 'repl');
    if (!(value instanceof Stack)) throw new TypeError(`${expression} is not a Stack`);
    return show(value);
  };
  define('stacks', 'Lists the open stacks', () =>
    openStacks<Stack>()
      .map((each) => inspect(each))
      .join('\n'),
  );
  for (const [name, what, show] of SHOWN) define(name, `Shows ${what} of 'stack', or of another`, ofStack(show));
}

function failureText(error: unknown): string {
  return printableLines(error instanceof Error ? `${error.name}: ${error.message}` : inspect(error));
}
