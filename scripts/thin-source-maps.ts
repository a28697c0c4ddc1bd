/**
 * Keeps one position a line in the source maps of dist/: a stack trace needs no more, and they get an eighth of their size. Their
 * sources are lib/ and ffi/ of the package. Files of types, constants or exports alone have no code that fails: they have no map.
 */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';

/** Returns the first segment of a line, from start to start: without its column, which would be the indentation, and a name. */
function first([segment]: readonly SourceMapSegment[]): SourceMapSegment[] {
  if (segment === undefined || segment.length === 1) return [];
  const [, source, line] = segment;
  return [[0, source, line, 0]];
}

/** Returns whether there is more than what TypeScript writes for imports, exports and constants. */
function hasCode(text: string): boolean {
  const own = text
    .replace(/^var __\w+ = [\s\S]*?^\}[()]*;$/gm, '')
    .replace(/^Object\.defineProperty\(exports, .*/gm, '');
  return /=>|\b(?:function|class|new|for|if|try)\b/.test(own);
}

for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('js.map')) continue;
  const path = join('dist', file);
  const script = path.slice(0, -'.map'.length);
  const text = readFileSync(script, 'utf8');
  if (!hasCode(text)) {
    rmSync(path);
    writeFileSync(script, text.replace(/^\/\/# sourceMappingURL=.*/m, ''));
    continue;
  }
  const { version, sources, mappings } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ version, sources, mappings: encode(decode(mappings).map(first)) }));
}
