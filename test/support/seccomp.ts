import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './directory.js';

/* Filters of system calls: seccomp(2). */

/** A system call that a filter refuses, if its argument has one of the bits of `mask`, or is `value`. */
interface Refusal {
  /** Its number for x64, and for arm64. */
  readonly call: readonly [x64: number, arm64: number];
  readonly argument?: { readonly index: number; readonly mask?: number; readonly value?: number };
  readonly errno: number;
}

const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEWNS … CLONE_NEWNET of clone(2). */
const NEW_NAMESPACES = 0x7e02_0000;
const TUNSETIFF = 0x4004_54ca;

/** What docker's filter refuses to processes without CAP_SYS_ADMIN: new namespaces. */
export const NO_NAMESPACES: readonly Refusal[] = [
  { call: [435, 435], errno: ENOSYS }, // clone3: its flags are out of the reach of a filter
  { call: [56, 220], argument: { index: 0, mask: NEW_NAMESPACES }, errno: EPERM },
  { call: [272, 97], argument: { index: 0, mask: NEW_NAMESPACES }, errno: EPERM },
];

/** What a user namespace without capabilities cannot do: make an interface. */
export const NO_INTERFACES: readonly Refusal[] = [
  { call: [16, 29], argument: { index: 1, value: TUNSETIFF }, errno: EPERM },
];

const BWRAP = ['bwrap', '--dev-bind', '/', '/', '--cap-drop', 'ALL'];

/** The command in front of a program that runs it under a filter, and without capabilities, by bubblewrap. */
export function underFilter(refusals: readonly Refusal[]): string[] {
  const file = join(temporaryDirectory(), 'filter.bpf');
  writeFileSync(file, bpfOf(refusals));
  return ['sh', '-c', 'exec 9<"$0"; exec "$@"', file, ...BWRAP, '--seccomp', '9', '--'];
}

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_SET = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const REFUSE = 0x0005_0000;

/** The program of linux/filter.h. */
function bpfOf(refusals: readonly Refusal[]): Buffer {
  const program = refusals.flatMap(({ call, argument, errno }) => {
    const refuse = instruction(RETURN, REFUSE | errno);
    const check = argument
      ? [
          instruction(LOAD, 16 + 8 * argument.index), // the lower half of args[index] of seccomp_data
          argument.mask === undefined
            ? instruction(JUMP_IF_EQUAL, argument.value ?? 0, 0, 1)
            : instruction(JUMP_IF_SET, argument.mask, 0, 1),
        ]
      : [];
    const number = call[process.arch === 'arm64' ? 1 : 0];
    return [instruction(LOAD, 0), instruction(JUMP_IF_EQUAL, number, 0, check.length + 1), ...check, refuse];
  });
  return Buffer.concat([...program, instruction(RETURN, ALLOW)]);
}

/** @param otherwise how many instructions a jump skips if its condition is false */
function instruction(code: number, k: number, then = 0, otherwise = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code);
  bytes.writeUInt8(then, 2);
  bytes.writeUInt8(otherwise, 3);
  bytes.writeUInt32LE(k, 4);
  return bytes;
}
