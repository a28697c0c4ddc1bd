import { createInterface } from 'node:readline';
import { Lab, type LabConfig } from '../../lab/index.js';
import { type Command, EXIT_OK, type Invocation, UsageError } from '../command.js';
import { isBadArgument } from '../failure.js';
import { Captures } from '../lab/captures.js';
import type { Session } from '../lab/command.js';
import { readConfigFile } from '../lab/config-file.js';
import { Intercepts } from '../lab/intercepts.js';
import { converse } from '../lab/prompt.js';
import { labHelp } from '../lab/run-statement.js';
import { runScript } from '../lab/script.js';
import { statementsOf } from '../lab/statements.js';
import { TOPOLOGIES, topologyConfig } from '../lab/topologies.js';
import { checkArgumentCount, portArgument } from '../parse.js';
import { print, table } from '../terminal.js';

const LONG_MS = 2 ** 30;

/** `ioth lab`. */
export const command: Command = {
  usage: '[FILE]',
  argumentCount: [0, 2],
  help: `
Makes a network of hosts, routers and links, and gives a prompt for it. FILE is its configuration, that of Lab.create of
ioth/lab: JSON, YAML, or a module whose default export it is. The history is kept in IOTH_LAB_HISTORY, by default
ioth/lab_history in XDG_STATE_HOME or ~/.local/state. Lines from --exec, or from standard input if that is no terminal, are a
script: the first line that fails ends it, and its exit code is that of the command.

  ioth lab --topology star=3
  ioth lab net.yaml --web
  ioth lab net.yaml --exec 'pingall; set lan delay=50; alice ping -c 1 bob'

Topologies:
${table(TOPOLOGIES)}

At the prompt:
${labHelp()
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}`,
  options: {
    topology: { short: 't', value: 'KIND', help: 'makes one of the topologies, in place of FILE' },
    web: { help: 'shows it on a page, too, and prints the URL for a browser here; a PORT may stand behind it' },
    exec: { short: 'e', value: 'LINES', help: 'runs these lines, with semicolons between them, and ends' },
  },
  async run(invocation: Invocation) {
    const { options, signal, leaveSignals } = invocation;
    // before the lab is made, so that a mistake in them costs no time
    const lines = typeof options.exec === 'string' ? statementsOf(options.exec).map(({ text }) => text) : undefined;
    const isInteractive = lines === undefined && Boolean(process.stdin.isTTY && process.stdout.isTTY);
    const { file, port } = argumentsOf(invocation);
    const lab = await makeLab(file, invocation);
    const captures = new Captures();
    // a command that waits for frames does not keep the process alive
    const keepAlive = setInterval(() => {}, LONG_MS);
    const programInput = isInteractive || lines ? 'inherit' : 'ignore';
    const session: Session = { lab, captures, intercepts: new Intercepts(), isInteractive, programInput };
    try {
      if (port !== undefined) print(`page: ${(await lab.serve({ port })).url}`);
      if (!isInteractive || signal.aborted) {
        await runScript(session, lines ?? standardInput(signal), signal);
        return EXIT_OK;
      }
      // from here on the prompt handles Ctrl-C
      leaveSignals();
      print(String(lab));
      return await converse(session);
    } finally {
      clearInterval(keepAlive);
      await captures.close();
      await lab.close();
    }
  },
};

/** Reads '[FILE]', and the port that may stand behind --web. */
function argumentsOf({ options, args }: Invocation): { file: string | undefined; port: number | undefined } {
  const number = options.web ? args.find((arg) => /^\d+$/.test(arg)) : undefined;
  const files = args.filter((arg) => arg !== number);
  checkArgumentCount(files, 0, 1, 'ioth lab [FILE]');
  return { file: files[0], port: options.web ? portArgument(number ?? '0') : undefined };
}

async function makeLab(file: string | undefined, { options: { topology, web } }: Invocation): Promise<Lab> {
  if (file !== undefined && topology !== undefined && web) {
    throw new UsageError(`'${file}' is no port for --web, and there is no FILE beside --topology`);
  }
  if ((file === undefined) === (topology === undefined)) throw new UsageError('needs either FILE or --topology');
  if (file === undefined) return Lab.create(topologyConfig(String(topology)));
  const config: LabConfig = await readConfigFile(file);
  try {
    return await Lab.create(config);
  } catch (error) {
    if (isBadArgument(error)) throw new UsageError(`${file}: ${error.message}`);
    throw error;
  }
}

/** Returns the lines of standard input, until the signal: it may come while no line does. */
function standardInput(signal: AbortSignal): AsyncIterable<string> {
  return createInterface({ input: process.stdin, signal });
}
