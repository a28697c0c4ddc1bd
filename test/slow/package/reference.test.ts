import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';
import { builtPackage, plainEnvironment } from '../../support/package.js';

it('npm run docs makes a reference of all that is public, without a warning', async () => {
  const { directory } = await builtPackage();
  const { dir, remove } = workDirectory();
  const outcome = await run(process.execPath, ['scripts/reference/main.mjs', join(dir, 'reference')], {
    cwd: directory,
    env: { ...plainEnvironment, NO_COLOR: '1' },
  });
  expect({ ...outcome, stdout: '' }).toEqual({ code: 0, stdout: '', stderr: '' });
  for (const page of ['classes/lib.Stack.html', 'classes/lib.types.Socket.html', 'classes/lib_vde.VdePort.html']) {
    expect({ page, there: existsSync(join(dir, 'reference', page)) }).toEqual({ page, there: true });
  }
  await remove();
});
