import { readdirSync, rmSync } from 'node:fs';
import { startScript } from '../../support/child.js';
import { temporaryDirectory } from '../../support/directory.js';

/** IOTH_REPEAT=60 takes minutes where there are two cores. */
const NETWORKS = Number(process.env.IOTH_REPEAT ?? 15);

const LIMIT_MS = 60_000 * NETWORKS;

test(
  `${NETWORKS} networks of six stacks work though other threads hold malloc's lock when they are made`,
  async () => {
    const dir = temporaryDirectory();
    try {
      const life = startScript('stress.ts', [NETWORKS, dir], { env: { MALLOC_ARENA_MAX: '1' }, limit: LIMIT_MS });
      // one line each: what hangs is told from what takes long
      for (let made = 1; made <= NETWORKS; made++) await life.line(`network ${made}`);
      const { code } = await life.exit;
      expect({ code, stderr: life.stderr, files: readdirSync(dir), left: life.group() }).toEqual({
        code: 0,
        stderr: '',
        files: [],
        left: [],
      });
      expect(life.stdout).toMatch(new RegExp(`\\nmade ${6 * NETWORKS} carried ${NETWORKS}\\n$`));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);
