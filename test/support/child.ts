import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface ChildResult {
  /** The exit code; null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ChildOptions {
  env?: Record<string, string>;
  /** A command in front of Node: ['unshare', '-m', …]. */
  prefix?: string[];
  /** Milliseconds until it is killed. */
  limit?: number;
}

const ROOT = resolve(__dirname, '../..');

/** Runs TypeScript in a process of its own, with everything of lib/index.ts as `ioth`. `dir` gets the script. */
export async function runChild(dir: string, source: string, options: ChildOptions = {}): Promise<ChildResult> {
  const script = join(dir, 'child.mts');
  const library = JSON.stringify(pathToFileURL(join(ROOT, 'lib/index.ts')).href);
  writeFileSync(script, `import * as ioth from ${library};\n${source}`);
  const tsx = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/esm/index.mjs')).href;
  const [command, ...args] = [...(options.prefix ?? []), process.execPath, '--import', tsx, script];
  const child = spawn(command as string, args, {
    cwd: dir,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), options.limit ?? 15_000);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  try {
    return await new Promise<ChildResult>((done, fail) => {
      child.on('error', fail);
      child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    });
  } finally {
    clearTimeout(killer);
  }
}
