import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Exit, run } from './child.js';
import { ROOT } from './compiled.js';
import { workDirectory } from './directory.js';
import { builtPackage, plainEnvironment } from './package.js';

/** A folder of somebody's own, with ioth from its tarball. */
export interface Consumer {
  readonly dir: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Runs Node in it. */
  node(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Exit>;
  remove(): Promise<void>;
}

/**
 * Has the tarball, what its package.json depends on, and `tools`: links to what is installed here, so that nothing is
 * fetched. Nothing else is found from there.
 */
export async function consumer(tools: readonly string[] = []): Promise<Consumer> {
  const { tarball, directory } = await builtPackage();
  const { dir, remove } = workDirectory();
  const modules = join(dir, 'node_modules');
  const installed = join(modules, 'ioth');
  mkdirSync(installed, { recursive: true });
  const unpacked = await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  expect(unpacked).toEqual({ code: 0, stdout: '', stderr: '' });
  const { dependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), ...tools]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return {
    dir,
    write(files) {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    },
    node: (args, env = {}) => run(process.execPath, args, { cwd: dir, env: { ...plainEnvironment, ...env } }),
    remove,
  };
}
