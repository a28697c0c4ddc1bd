import type { REPLServer } from 'node:repl';
import { inspect } from 'node:util';
import { printableLines } from '../../core/printable.js';
import { openStacks } from '../../stack/open-stacks.js';
import { Stack } from '../../stack/stack.js';
import { listText } from '../terminal.js';
import { socketLines } from './sockets.js';

/** Defines the commands `.stacks`, `.ip`, `.route` and `.sockets`. */
export function defineDotCommands(server: REPLServer, stack: Stack): void {
  const define = (name: string, help: string, action: (argument: string) => Promise<string> | string) => {
    server.defineCommand(name, {
      help,
      action(argument) {
        this.clearBufferedCommand();
        // an exception here would end the REPL
        Promise.resolve()
          .then(() => action(argument.trim()))
          .catch((error: unknown) =>
            printableLines(error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)),
          )
          .then((text) => {
            if (text) this.output.write(`${text}\n`);
            this.displayPrompt();
          });
      },
    });
  };
  const ofStack = (show: (stack: Stack) => string) => async (expression: string) => {
    const value = expression === '' ? stack : await evaluate(server, expression);
    if (!(value instanceof Stack)) throw new TypeError(`${expression} is not a Stack`);
    return show(value);
  };
  define('stacks', 'Lists the open stacks', () =>
    openStacks<Stack>()
      .map((each) => inspect(each))
      .join('\n'),
  );
  define(
    'ip',
    "Shows interfaces and addresses of 'stack', or of another",
    ofStack((each) => listText(each.interfaces())),
  );
  define(
    'route',
    "Shows routes of 'stack', or of another",
    ofStack((each) => listText(each.routes())),
  );
  define('sockets', "Shows TCP and UDP sockets of 'stack', or of another", ofStack(socketLines));
}

function evaluate(server: REPLServer, expression: string): Promise<unknown> {
  return new Promise((done, fail) => {
    server.eval(`(${expression})`, server.context, 'repl', (error, value) => (error ? fail(error) : done(value)));
  });
}
