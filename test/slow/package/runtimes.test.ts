import { cpSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Exit, run } from '../../support/child.js';
import { type Consumer, consumer } from '../../support/consumer.js';
import { plainEnvironment } from '../../support/package.js';
import { hasNodes, peer } from '../../support/peers.js';

/* Where ioth does not run: importing it works, and the first use of the C libraries says what it needs. */

/** Each way in. */
const PROGRAM = `
import { iothaddr, plugins, Stack } from 'ioth';
import { libc, libioth } from 'ioth/ffi';
import { Lab, Link } from 'ioth/lab';
import { VdePort } from 'ioth/vde';

console.log('imported');
const uses = [
  () => new Stack('vdestack'),
  () => new Stack('kernel'),
  () => Stack.create('stack=vdestack,vnl=null://,eth,ip=10.0.0.1/24'),
  () => VdePort.open('null://'),
  () => Link.create('null://', 'null://'),
  () => Lab.create({ networks: { lan: '10.0.0.0/24' }, hosts: { alice: 'lan' } }),
  () => iothaddr.hash('fd00::', 'alice'),
  plugins,
  libc,
  libioth,
];
for (const use of uses) {
  try {
    await use();
    console.log(String(use), 'works');
  } catch (error) {
    console.log(error.code, error.message);
  }
}
`;
const USES = 10;

const refusal = (what: string) => `ioth needs Node.js 20.19 or newer on 64-bit Linux with glibc, and this is ${what}`;
const refusedOn = (what: string): Exit => ({
  code: 0,
  stdout: ['imported', ...Array(USES).fill(`ERR_IOTH_RUNTIME ${refusal(what)}`), ''].join('\n'),
  stderr: '',
});

let user: Consumer;

beforeAll(async () => {
  user = await consumer();
  user.write({ 'package.json': JSON.stringify({ dependencies: { ioth: '*' } }), 'program.mjs': PROGRAM });
});
afterAll(() => user.remove());

it('names the version of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(user.dir, 'node_modules/ioth/package.json'), 'utf8'));
  expect(refusal('')).toContain(`Node.js ${engines.node.replace('>=', '')} or newer`);
});

const RUNTIMES = [
  ['Bun', '@oven/bun-linux-x64', 'bin/bun', []],
  ['Deno', '@deno/linux-x64-glibc', 'deno', ['run', '--allow-all', '--no-prompt', '--node-modules-dir=manual']],
] as const;

if (!hasNodes) console.log('runtimes: Bun and Deno are fetched for x64 only: not tried');

(hasNodes ? it : it.skip).each(RUNTIMES)('%s', async (name, modules, file, args) => {
  const { version } = JSON.parse(readFileSync(peer(`${modules}/package.json`), 'utf8'));
  const options = { cwd: user.dir, env: { ...plainEnvironment, NO_COLOR: '1', DENO_DIR: join(user.dir, 'deno') } };
  const path = peer(`${modules}/${file}`);
  expect(await run(path, [...args, 'program.mjs'], options)).toEqual(refusedOn(`${name} ${version}`));
  const doctor = await run(path, [...args, 'node_modules/ioth/dist/lib/cli/main.js', 'doctor'], options);
  expect(doctor).toMatchObject({ code: 1, stdout: expect.stringContaining(`FAULT   Node.js: ${refusal(name)}`) });
});

it('musl, simulated: a library of the name of its loader is loaded', async () => {
  const copy = join(user.dir, 'ld-musl-x86_64.so.1');
  const maps = readFileSync('/proc/self/maps', 'latin1');
  cpSync(realpathSync(/\/\S+\/libm\.so\S*/.exec(maps)?.[0] as string), copy);
  expect(await user.node(['program.mjs'], { LD_PRELOAD: copy })).toEqual(refusedOn('Linux with musl'));
});

describe('simulated by the values of process, with a koffi that loads no library', () => {
  beforeAll(() => {
    const koffi = join(user.dir, 'node_modules/koffi');
    rmSync(koffi);
    mkdirSync(koffi);
    const refuse = `(object, name) => { if (name in object) return object[name]; throw new Error('used: ' + String(name)) }`;
    user.write({
      'node_modules/koffi/index.js': `module.exports = new Proxy({ __esModule: false, os: { errno: {} }, sizeof: () => 4 }, { get: ${refuse} })`,
    });
  });

  it.each([
    ['macOS', "{ platform: 'darwin' }"],
    ['Windows', "{ platform: 'win32', getuid: undefined, geteuid: undefined, getegid: undefined }"],
    ['a 32-bit Node.js (arm)', "{ arch: 'arm' }"],
  ])('%s', async (what, values) => {
    const set = `for (const [name, value] of Object.entries(${values})) Object.defineProperty(process, name, { value })`;
    user.write({ 'simulate.mjs': set });
    expect(await user.node(['--import', './simulate.mjs', 'program.mjs'])).toEqual(refusedOn(what));
  });
});
