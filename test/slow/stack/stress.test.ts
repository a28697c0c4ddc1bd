import { readdirSync, rmSync } from 'node:fs';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

const NETWORKS = 60;

test(`${NETWORKS} networks of six stacks work though other threads hold malloc's lock when they are made`, async () => {
  const dir = temporaryDirectory();
  try {
    const env = { MALLOC_ARENA_MAX: '1' };
    const life = startScript('stress.ts', [NETWORKS, dir], { env });
    const { code } = await life.exit;
    expect({ code, stderr: life.stderr, files: readdirSync(dir), left: life.group() }).toEqual({
      code: 0,
      stderr: '',
      files: [],
      left: [],
    });
    expect(life.stdout).toBe(`made ${6 * NETWORKS} carried ${NETWORKS}\n`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
