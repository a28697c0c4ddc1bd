// Makes the API reference from the declarations in dist/, which have only the public names: see scripts/docs.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';

register('./typescript5.mjs', import.meta.url);
const { Application, Converter } = await import('typedoc');

const [out = 'reference'] = process.argv.slice(2);
const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
const entryPoints = Object.values(exports)
  .filter((target) => typeof target === 'string' && target.endsWith('/index.js'))
  .map((target) => target.replace(/\.js$/, '.d.ts'));

const app = await Application.bootstrapWithPlugins({
  entryPoints,
  out,
  name: 'ioth',
  readme: 'none',
  tsconfig: 'scripts/reference/tsconfig.json',
  plugin: ['typedoc-plugin-missing-exports'], // class Socket is public through a type that names its stack
  internalModule: 'types',
  excludeExternals: true,
  disableSources: true,
  treatWarningsAsErrors: true,
});
// docstrings of Node, for members from EventEmitter and child_process, link to Node's documentation
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.comment?.sourcePath?.includes('/node_modules/')) delete reflection.comment;
  }
});

const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
