import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { textIfReadable } from '../core/files.js';

interface PackageJson {
  name?: string;
  version: string;
  engines: { node: string };
  exports: { './register': Record<'import' | 'require', string> };
}

/** Returns the package of this command, found upwards from its own file. npx and npm start that file through a link. */
function ownPackage(): { root: string; json: PackageJson } {
  for (let root = dirname(realpathSync(process.argv[1] as string)); ; root = dirname(root)) {
    const json: PackageJson = JSON.parse(textIfReadable(join(root, 'package.json')) || '{}');
    if (json.name === 'ioth') return { root, json };
    if (root === dirname(root)) throw new Error(`no package.json of ioth above ${process.argv[1]}`);
  }
}

export function packageVersion(): string {
  return ownPackage().json.version;
}

/** Returns the lowest version of Node.js that the package supports: '20.19'. */
export function minimumNodeVersion(): string {
  return ownPackage().json.engines.node.replace(/^>=/, '');
}

/** Returns the node_modules directory that the package is installed in; undefined for a checkout. */
export function installedIn(): string | undefined {
  const parent = dirname(ownPackage().root);
  return parent.endsWith('node_modules') ? parent : undefined;
}

/**
 * Returns the flag that makes Node preload ioth/register from anywhere: --import if it `waits` for other hosts, else --require.
 */
export function registerFlag(waits: boolean): string {
  const { root, json } = ownPackage();
  const entry = json.exports['./register'];
  return waits ? `--import=${pathToFileURL(join(root, entry.import)).href}` : `--require=${join(root, entry.require)}`;
}
