import { run } from './child.js';
import { compileSources } from './compile.js';
import { compiledUrl } from './compiled.js';

/** Programs for `node -e`, each with one beside it that ends as it should, and does without ioth. */
export const PROGRAMS: Readonly<Record<string, readonly [program: string, plain: string]>> = {
  'hangs in top-level await': [
    "new ioth.Stack('vdestack').closeSync(); await new Promise(() => {});",
    'await new Promise(() => {});',
  ],
  'hangs in top-level await, with a stack that is open': [
    "new ioth.Stack('vdestack'); await new Promise(() => {});",
    'await new Promise(() => {});',
  ],
  'hangs, and has set an exit code': [
    "new ioth.Stack('vdestack'); process.exitCode = 7; await new Promise(() => {});",
    'process.exitCode = 7; await new Promise(() => {});',
  ],
  'sets its exit code in the last moment': [
    "new ioth.Stack('vdestack'); process.on('exit', () => { process.exitCode = 9; });",
    "process.on('exit', () => { process.exitCode = 9; });",
  ],
  'hears of its code': [
    "new ioth.Stack('vdestack'); process.on('exit', (code) => console.log(code, process.exitCode)); process.exitCode = 3;",
    "process.on('exit', (code) => console.log(code, process.exitCode)); process.exitCode = 3;",
  ],
  'ends by process.exit()': ["new ioth.Stack('vdestack'); process.exit(5);", 'process.exit(5);'],
  throws: ["new ioth.Stack('vdestack'); throw 1;", 'throw 1;'],
  ends: ["new ioth.Stack('vdestack');", ''],
  'closes a fabric': [
    `const fabric = await lab.Fabric.start();
     for (let i = 0; i < 20; i++) fabric.addNetwork('n' + i, { delay: 1 });
     await fabric.close();
     console.log('closed');`,
    "console.log('closed');",
  ],
  'closes a fabric with calls under way': [
    `const fabric = await lab.Fabric.start();
     const network = fabric.addNetwork('lan');
     network.stats().catch(() => {});
     network.recentFrames().catch(() => {});
     await fabric.close();
     console.log('closed');`,
    "console.log('closed');",
  ],
  'makes a lab that fails': [
    `const config = { networks: { lan: '10.0.0.0/24' }, hosts: { a: 'lan', b: 'lan' } };
     const network = (await lab.Fabric.start()).addNetwork('lan');
     Object.getPrototypeOf(network).addPort = async () => { throw new Error('refused'); };
     const error = await lab.Lab.create(config).catch((error) => error);
     console.log(error.message);`,
    "console.log('refused');",
  ],
};

/** How a program of {@link PROGRAMS} ends, so many times, a few at once; and the plain one beside it. */
export async function endsOf(name: string, times: number): Promise<{ ended: Ending[]; plain: Ending }> {
  const [program = '', plain = ''] = PROGRAMS[name] ?? [];
  compileSources();
  const imports = `import * as ioth from '${compiledUrl('lib/index.ts')}'; import * as lab from '${compiledUrl('lib/lab/index.ts')}';`;
  const ended: Ending[] = [];
  while (ended.length < times) {
    const some = Array.from({ length: Math.min(AT_ONCE, times - ended.length) }, () =>
      ending(`${imports}\n${program}`),
    );
    ended.push(...(await Promise.all(some)));
  }
  return { ended, plain: await ending(plain) };
}

const AT_ONCE = 5;

interface Ending {
  code: unknown;
  stdout: string;
  warns: boolean;
}

async function ending(program: string): Promise<Ending> {
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
  return { code, stdout, warns: stderr.includes('unsettled top-level await') };
}
