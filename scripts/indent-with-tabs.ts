/** Indents the JavaScript of dist/ with tabs: TypeScript writes four spaces, which are a sixtieth of what a package is packed to. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript5';

/** Returns the positions of lines that begin within a template literal, whose spaces are part of a string. */
function startsInTemplates(source: ts.SourceFile): Set<number> {
  const starts = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      for (const start of source.getLineStarts())
        if (start > node.getStart(source) && start < node.end) starts.add(start);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return starts;
}

for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!/^(lib|ffi)\/.*\.c?js$/.test(file)) continue;
  const path = join('dist', file);
  const text = readFileSync(path, 'utf8');
  const kept = startsInTemplates(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  const indented = text.replace(/^(?: {4})+/gm, (spaces, position) =>
    kept.has(position) ? spaces : '\t'.repeat(spaces.length / 4),
  );
  writeFileSync(path, indented);
}
