import type { spawn, spawnSync } from 'node:child_process';
import { IothError } from '../core/errors.js';
import { NodeModulesStack, type StackOfNode } from './node-modules-stack.js';
import { type PingingStack, type PingOptions, type PingResult, ping } from './ping/ping.js';
import type { SpawnArguments } from './programs/launch.js';
import type { Programs } from './programs/programs.js';
import { readSysctl, writeSysctl } from './programs/sysctl.js';

/** The members of a Stack that the tools use. */
export interface StackOfTools extends StackOfNode, PingingStack {
  readonly closed: boolean;
}

/** The tools of a host's shell, for a stack: programs, settings of its kernel, pings. */
export abstract class ToolsStack extends NodeModulesStack {
  /** @internal */
  protected abstract override get nodeStack(): StackOfTools;
  /** @internal */
  protected abstract get programs(): Programs;

  #spawn: typeof spawn | undefined;
  #spawnSync: typeof spawnSync | undefined;

  /**
   * Runs a program in the network of this stack: child_process.spawn, with its arguments, its ChildProcess, its errors. If this
   * process has no rights, the program runs as root of the stack's user namespace; its rights on files are those of the user.
   * Programs end with the stack: by SIGTERM and, after two seconds, SIGKILL. It can be called without `this`.
   *
   * On the kernel stack it is child_process.spawn, ended with the stack.
   * @throws {IothError} ENOTSUP (picox: no namespace of the kernel), ENOENT (nsenter(1) is missing), EBADF, ERR_STACK_DEAD
   * @throws {TypeError} as child_process.spawn; for `options.argv0`
   */
  get spawn(): typeof spawn {
    this.#spawn ??= ((...parameters: SpawnArguments) =>
      this.#inPrograms('spawn', (programs) => programs.spawn(parameters, this))) as typeof spawn;
    return this.#spawn;
  }

  /**
   * Runs a program in the network of this stack, as `spawn`, and blocks until it ends: child_process.spawnSync.
   * @throws as `spawn`, and ERR_STACK_DEAD if the program failed because the stack's daemon died. An `error` that
   *   child_process.spawnSync returns is returned here too
   */
  get spawnSync(): typeof spawnSync {
    this.#spawnSync ??= ((...parameters: SpawnArguments) =>
      this.#inPrograms('spawnSync', (programs) => {
        const result = programs.spawnSync(parameters);
        if (result.status !== 0) this.#checkDaemon(programs, 'spawnSync');
        return result;
      })) as typeof spawnSync;
    return this.#spawnSync;
  }

  /**
   * Reads or sets a setting of the stack's network, by its name in sysctl(8): 'net.ipv4.ip_forward'. Write a dot in the name of
   * an interface as a slash: 'net.ipv4.conf.eth0/1.forwarding'; or use slashes for all separators. It runs a program in the
   * stack, which takes a few milliseconds.
   * @param value the new value: an integer, a string of one line, or a boolean (1 or 0). Without it, the setting is read
   * @returns the value if it is read, nothing if it is set
   * @throws {IothError} ENOENT (no such setting), EACCES, EINVAL (no such value), EROFS; as `spawn`
   * @throws {TypeError} for a name outside the network: 'kernel.hostname' is the host's
   */
  sysctl(name: string): string;
  sysctl(name: string, value: string | number | boolean): void;
  sysctl(...parameters: [name: string, value?: string | number | boolean]): string | undefined {
    const [name, value] = parameters;
    return this.#inPrograms('sysctl', ({ daemonPid }) => {
      if (value === undefined) return readSysctl(daemonPid, name);
      writeSysctl(daemonPid, name, value);
      return undefined;
    });
  }

  /**
   * Pings a host with ICMP echo: RFC 792, RFC 4443. On the kernel stack this needs CAP_NET_RAW, or a group in
   * net.ipv4.ping_group_range. The failure of one request is the `error` of its probe.
   * @param host an address ('fe80::1%vde0' too), or a name that the stack resolves
   * @returns the times, in milliseconds, and the loss
   * @throws {GaiError} if the name has no address
   * @throws {IothError} EACCES, EPERM; ECANCELED (the stack was closed), ERR_STACK_DEAD
   * @throws {AbortError} `options.signal`
   */
  ping(host: string, options?: PingOptions): Promise<PingResult> {
    return ping(this.nodeStack, host, options);
  }

  /** Reports a failure as ERR_STACK_DEAD if the daemon has died and its event is still to come. */
  #inPrograms<T>(syscall: string, work: (programs: Programs) => T): T {
    const programs = this.#programsFor(syscall);
    try {
      return work(programs);
    } catch (error) {
      this.#checkDaemon(programs, syscall);
      throw error;
    }
  }

  /** @throws {IothError} ERR_STACK_DEAD */
  #checkDaemon(programs: Programs, syscall: string): void {
    programs.awaitDeath();
    this.pointer(syscall);
  }

  /** @throws {IothError} if programs cannot run in this stack */
  #programsFor(syscall: string): Programs {
    const { nodeStack } = this;
    this.pointer(syscall);
    if (nodeStack.closed) throw new IothError('EBADF', { syscall, hint: 'the stack is being closed' });
    if (nodeStack.hasKernelSockets) return this.programs;
    const hint = `a program cannot run in a '${this.name}' stack, which is not a network namespace of the kernel: use a vdestack`;
    throw new IothError('ENOTSUP', { syscall, hint });
  }
}
