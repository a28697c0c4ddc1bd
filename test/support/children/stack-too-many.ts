/** Makes stacks with more and more free descriptors: `stack-too-many.ts [VNL]`. */
import { closeSync, openSync } from 'node:fs';
import { Stack } from '../../../lib/index.js';
import { children, descriptors } from './holdings.js';
import './few-descriptors.js';

const first = new Stack('vdestack');
const fillers: number[] = [];
try {
  for (;;) fillers.push(openSync('/dev/null', 'r'));
} catch {
  // full
}
// one for the listing itself
for (let free = 1; free <= 40; free++) {
  closeSync(fillers.pop() as number);
  const [descriptorsBefore, childrenBefore] = [descriptors(), children()];
  let outcome = 'made';
  try {
    const stack = new Stack('vdestack', process.argv[2]);
    stack.socket().close();
    await stack.close();
  } catch (error) {
    outcome = (error as { code: string }).code;
  }
  console.log(free, outcome, descriptors() - descriptorsBefore, children() - childrenBefore);
  if (outcome === 'made') break;
}
first.socket().close();
await first.close();
console.log('closed');
