/**
 * Keeps one position a line in the source maps of dist/: a stack trace needs no more, and they get an eighth of their size. Their
 * sources are lib/ and ffi/ of the package. Files of types alone have no code to map.
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

for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('js.map')) continue;
  const path = join('dist', file);
  const { version, sources, mappings } = JSON.parse(readFileSync(path, 'utf8'));
  if (mappings === '') {
    rmSync(path);
    const script = path.slice(0, -'.map'.length);
    writeFileSync(script, readFileSync(script, 'utf8').replace(/^\/\/# sourceMappingURL=.*/m, ''));
  } else writeFileSync(path, JSON.stringify({ version, sources, mappings: encode(decode(mappings).map(first)) }));
}
