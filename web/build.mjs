/* Bundles the page: node web/build.mjs DIRECTORY makes page.html, one file, and terminal.js, which it loads for its first terminal. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const top = dirname(here);
const directory = process.argv[2] ?? join(top, 'dist/lab-page');

/** Returns the bundle of a module, and the licences of the packages in it. */
async function bundle(entry) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(here, entry)],
    absWorkingDir: top,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    loader: { '.css': 'text' },
    metafile: true,
    write: false,
  });
  return { code: outputFiles[0].text.trim(), licences: licencesOf(Object.keys(metafile.inputs)) };
}

/** Returns the licences of the packages that files are of. */
function licencesOf(files) {
  const packages = new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
  return [...packages].sort().map((name) => {
    const folder = join(top, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (!file) throw new Error(`${name} has no file with its licence`);
    return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), 'utf8').trim()}`;
  });
}

/** Another run of the tests may read the file now. */
function replace(name, text) {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

const [page, terminal, style] = await Promise.all([
  bundle('main.ts'),
  bundle('terminal.ts'),
  build({ entryPoints: [join(here, 'page.css')], bundle: true, minify: true, write: false }),
]);
// the end of the element of a script
const script = page.code.replaceAll('</script', '<\\/script');
const hash = createHash('sha256').update(script).digest('base64');
const licences = page.licences.join('\n\n\n').replaceAll('--', '- -');
const html = readFileSync(join(here, 'page.html'), 'utf8')
  .replace('LICENCES', () => licences)
  .replace('HASH', () => hash)
  .replace('/*STYLE*/', () => style.outputFiles[0].text.trim())
  .replace('/*SCRIPT*/', () => script);
replace('page.html', html);
replace('terminal.js', `/*\n${terminal.licences.join('\n\n\n')}\n*/\n${terminal.code}\n`);
