/** Joins a network and stays: `joined.ts VNL`. */
import { Stack } from '../../../lib/index.js';

const stack = new Stack('vdestack', process.argv[2]);
console.log('joined');
setInterval(() => stack.closed, 1000);
