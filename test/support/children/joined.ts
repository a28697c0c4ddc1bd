/** Joins a network and stays: `joined.ts VNL`. */
import { Stack } from '../../../lib/index.js';

new Stack('vdestack', process.argv[2]);
console.log('joined');
setInterval(() => {}, 1000);
