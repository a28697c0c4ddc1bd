import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface PackageJson {
  name?: string;
  version: string;
  engines: { node: string };
  exports: Record<string, string | Record<string, unknown> | undefined>;
}

let found: { root: string; json: PackageJson } | undefined;

/** The package that this command belongs to: from its own file up. npx and npm start that through a link. */
function ownPackage(): { root: string; json: PackageJson } {
  if (found) return found;
  for (let root = dirname(realpathSync(process.argv[1] as string)); ; root = dirname(root)) {
    const json = readPackage(root);
    if (json?.name === 'ioth') {
      found = { root, json };
      return found;
    }
    if (root === dirname(root)) throw new Error(`no package.json of ioth above ${process.argv[1]}`);
  }
}

function readPackage(directory: string): PackageJson | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageJson;
  } catch {
    return undefined;
  }
}

export function packageVersion(): string {
  return ownPackage().json.version;
}

/** The lowest version of Node.js that it is made for: '20.19'. */
export function minimumNodeVersion(): string {
  return ownPackage().json.engines.node.replace(/^>=/, '');
}

/** The directory of packages that it is installed in; undefined where it is a checkout. */
export function installedIn(): string | undefined {
  const parent = dirname(ownPackage().root);
  return parent.endsWith('node_modules') ? parent : undefined;
}

/** The flag that has Node preload ioth/register, wherever the program is: --require, which `waits` for nothing, or --import. */
export function registerFlag(waits: boolean): string {
  const { root, json } = ownPackage();
  const entry = json.exports['./register'] as Record<'import' | 'require', string>;
  return waits ? `--import=${pathToFileURL(join(root, entry.import)).href}` : `--require=${join(root, entry.require)}`;
}
