/**
 * Puts the entries of a directory in the place of a path, one after the other, and takes them back: `swap.ts ENTRIES PATH`. Nothing
 * is ever put in the place of something. It ends when its standard input does, with all entries where they were.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import koffi from 'koffi';

const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;
const renameat2 = koffi.load(null).func('renameat2', 'int', ['int', 'str', 'int', 'str', 'uint']);

function move(from: string, to: string): boolean {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) === 0;
}

const [entries = '', path = ''] = process.argv.slice(2);
let isEnding = false;
process.stdin.on('end', () => {
  isEnding = true;
});
process.stdin.resume();
const names = readdirSync(entries);
let swaps = 0;
console.log('swapping');
for (let i = 0; !isEnding; i++) {
  const entry = join(entries, names[i % names.length] as string);
  if (move(entry, path)) {
    swaps++;
    const { ino } = lstatSync(path);
    await turn();
    const now = lstatSync(path, { throwIfNoEntry: false });
    if (now?.ino !== ino || !move(path, entry)) console.log(`BAD ${entry} is gone from ${path}`);
  }
  await turn();
}
console.log(`done ${swaps}`);
