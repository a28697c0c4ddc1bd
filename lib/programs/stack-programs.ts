import type { spawn, spawnSync } from 'node:child_process';
import { IothError } from '../core/errors.js';
import type { Resolver } from '../dns/resolver.js';
import type { StackInterface } from '../dns/stack-interface.js';
import type { SpawnArguments } from './launch.js';
import { programNames } from './program-names.js';
import type { Programs } from './programs.js';
import { readSysctl, writeSysctl } from './sysctl.js';

/** The stack that programs run in. */
type ProgramStack = Pick<StackInterface, 'closed' | 'hasKernelSockets' | 'pointer'> & { readonly name: string };

/** The programs of a stack, as its methods run them: with checks, and with the errors of a stack. */
export class StackPrograms {
  constructor(
    readonly stack: ProgramStack,
    readonly programs: Programs,
    readonly resolver: Resolver,
  ) {}

  readonly spawn = ((...parameters: SpawnArguments) =>
    this.#run('spawn', (programs) =>
      programs.spawn(parameters, programNames(this.resolver), this.stack),
    )) as typeof spawn;

  readonly spawnSync = ((...parameters: SpawnArguments) =>
    this.#run('spawnSync', (programs) => {
      const result = programs.spawnSync(parameters, programNames(this.resolver));
      if (result.status !== 0) this.#checkDaemon('spawnSync');
      return result;
    })) as typeof spawnSync;

  sysctl(name: string, value?: string | number | boolean): string | undefined {
    return this.#run('sysctl', ({ daemonPid }) => {
      if (value === undefined) return readSysctl(daemonPid, name);
      writeSysctl(daemonPid, name, value);
      return undefined;
    });
  }

  /** Reports a failure as ERR_STACK_DEAD if the daemon has died and its event is still to come. */
  #run<T>(syscall: string, work: (programs: Programs) => T): T {
    this.#checkUsable(syscall);
    try {
      return work(this.programs);
    } catch (error) {
      this.#checkDaemon(syscall);
      throw error;
    }
  }

  /** @throws {IothError} ERR_STACK_DEAD */
  #checkDaemon(syscall: string): void {
    this.programs.awaitDeath();
    this.stack.pointer(syscall);
  }

  /** @throws {IothError} if programs cannot run in this stack */
  #checkUsable(syscall: string): void {
    const { name, closed, hasKernelSockets } = this.stack;
    this.stack.pointer(syscall);
    if (closed) throw new IothError('EBADF', { syscall, hint: 'the stack is being closed' });
    if (hasKernelSockets) return;
    const hint = `a program cannot run in a '${name}' stack, which is not a network namespace of the kernel: use a vdestack`;
    throw new IothError('ENOTSUP', { syscall, hint });
  }
}
