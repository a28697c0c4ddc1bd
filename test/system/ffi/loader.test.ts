import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasLibrary, libioth, libraryCandidates, loadLibrary, plugins } from '../../../ffi/index.js';
import { runText } from '../../support/child.js';
import { workDirectory } from '../../support/directory.js';

test('plugins() lists what is there and what is not', () => {
  const found = plugins();
  expect(found.find(({ name }) => name === 'vdestack')).toMatchObject({
    path: expect.stringMatching(/\/ioth_vdestack(-r)?\.so$/),
    package: 'libioth0',
  });
  expect(found.find(({ name }) => name === 'kernel')?.path).not.toBeNull();
  for (const { path } of found) if (path !== null) expect(existsSync(path)).toBe(true);
});

describe('a missing library', () => {
  const script = `
    console.log('imported');
    try {
      new ioth.Stack('kernel');
    } catch ({ name, code, message }) {
      console.log(name, code, message);
    }`;

  test('at its first use: which package brings it and where it was looked for', async () => {
    const { dir, remove } = workDirectory();
    const empty = join(dir, 'empty');
    writeFileSync(empty, '');
    libioth();
    const library = libraryPath();
    // in a mount namespace of its own an empty file lies over the library
    const hide = `mount --bind "$0" "$1" && shift && exec "$@"`;
    const prefix = ['unshare', '--mount', '--map-root-user', 'sh', '-c', hide, empty, library];
    const { code, stdout, stderr } = await runText(dir, script, { prefix });
    await remove();
    if (code !== 0 && /unshare|mount/.test(stderr)) {
      console.log(`this machine does not let a test hide a library: ${stderr.trim()}`);
      return;
    }
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, second] = stdout.split('\n');
    expect(first).toBe('imported');
    expect(second).toMatch(/^LibraryNotFoundError ERR_LIBRARY_NOT_FOUND libioth could not be loaded: /);
    expect(second).toContain('apt-get install libioth0');
    expect(second).toContain('IOTH_LIBRARY_PATH');
    expect(second).toContain('Tried libioth.so.0 (');
  });

  function libraryPath(): string {
    const line = readFileSync('/proc/self/maps', 'utf8')
      .split('\n')
      .find((each) => each.includes('/libioth.so'));
    return line?.slice(line.indexOf('/')) as string;
  }
});

test('a library for the native provider: the builtin one needs none', () => {
  for (const [name, option] of [
    ['iothconf', 'conf'],
    ['iothdns', 'dns'],
  ] as const) {
    if (hasLibrary(name)) continue;
    expect(() => loadLibrary(name)).toThrow(
      expect.objectContaining({
        code: 'ERR_LIBRARY_NOT_FOUND',
        library: name,
        searched: libraryCandidates(name),
        message: expect.stringContaining(`${option}: 'builtin'`),
      }),
    );
  }
});
