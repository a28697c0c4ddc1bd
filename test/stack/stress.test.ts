import { readdirSync, rmSync } from 'node:fs';
import { Life } from '../support/life.js';
import { temporaryDirectory } from '../support/network.js';

const NETWORKS = 60;
const LIMIT_MS = 60_000;

test(
  `${NETWORKS} networks of six stacks work though other threads hold malloc's lock when they are made`,
  async () => {
    const dir = temporaryDirectory();
    try {
      const env = { MALLOC_ARENA_MAX: '1' };
      const life = new Life('stress.ts', [NETWORKS, dir], { env, limit: LIMIT_MS });
      const { status } = await life.ended;
      expect({ status, stderr: life.stderr, files: readdirSync(dir), left: life.group() }).toEqual({
        status: 0,
        stderr: '',
        files: [],
        left: [],
      });
      const [, made, carried, slowest] = /made (\d+) carried (\d+) slowest (\d+) ms/.exec(life.stdout) ?? [];
      expect({ made, carried }).toEqual({ made: String(6 * NETWORKS), carried: String(NETWORKS) });
      expect(Number(slowest)).toBeLessThan(1000);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);
