/** `ulimit -n 64` from now on: a shell's in front of Node would hold for the loading of modules too, many of them at once. */
import { execFileSync } from 'node:child_process';

execFileSync('prlimit', [`--pid=${process.pid}`, '--nofile=64:64']);
