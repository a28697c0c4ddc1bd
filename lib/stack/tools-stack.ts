import type { spawn, spawnSync } from 'node:child_process';
import { IothError } from '../core/errors.js';
import { NodeModulesStack, type StackOfNode } from './node-modules-stack.js';
import { type PingingStack, type PingOptions, type PingResult, ping } from './ping/ping.js';
import type { SpawnArguments } from './programs/launch.js';
import type { Programs } from './programs/programs.js';
import { readSysctl, writeSysctl } from './programs/sysctl.js';

/** What a Stack is here. */
export interface StackOfTools extends StackOfNode, PingingStack {
  readonly closed: boolean;
}

/** What people do to a host with the tools of its shell: programs, settings of its kernel, pings. */
export abstract class ToolsStack extends NodeModulesStack {
  /** @internal */
  protected abstract override get nodeStack(): StackOfTools;
  /** @internal */
  protected abstract get programs(): Programs;

  #spawn: typeof spawn | undefined;
  #spawnSync: typeof spawnSync | undefined;

  /**
   * child_process.spawn in the network of this stack: its arguments, its ChildProcess, its errors. Who runs this process
   * without rights is root in the program, as the owner of the stack's user namespace; files are those of the user. What runs
   * in the stack is ended with it: by SIGTERM and, after two seconds, SIGKILL. It needs no `this`.
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
   * child_process.spawnSync in the network of this stack, as `spawn`.
   * @throws as `spawn`, and ERR_STACK_DEAD where the program failed and the stack's daemon died meanwhile; what
   * child_process.spawnSync returns as `error` is returned here too
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
   * A setting of the stack's network, by the name that sysctl(8) has for it: 'net.ipv4.ip_forward'. A dot in the name of an
   * interface is written as a slash: 'net.ipv4.conf.eth0/1.forwarding'; or all separators are slashes. A program in the stack
   * does it, which takes a few milliseconds.
   * @param value the new value: an integer, a string of one line, or a boolean (1 or 0); without it, the setting is read
   * @returns what it is; nothing where it was set
   * @throws {IothError} ENOENT (no such setting), EACCES, EINVAL (no such value), EROFS; as `spawn`
   * @throws {TypeError} for a name that is not of the network: 'kernel.hostname' is the host's
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
   * ICMP echo with a host: RFC 792, RFC 4443. Where the stack's sockets are the kernel's own, it takes CAP_NET_RAW there or a
   * group of net.ipv4.ping_group_range. What goes wrong with one request is the `error` of its probe.
   * @param host an address ('fe80::1%vde0' too), or a name that the stack resolves
   * @returns the times, in milliseconds, and what was lost
   * @throws {GaiError} where the name has no address
   * @throws {IothError} EACCES, EPERM; ECANCELED (the stack was closed), ERR_STACK_DEAD
   * @throws {AbortError} `options.signal`
   */
  ping(host: string, options?: PingOptions): Promise<PingResult> {
    return ping(this.nodeStack, host, options);
  }

  /** What fails because the daemon died meanwhile, before its event, is ERR_STACK_DEAD. */
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

  /** @throws {IothError} where programs cannot be in this stack */
  #programsFor(syscall: string): Programs {
    const { nodeStack } = this;
    this.pointer(syscall);
    if (nodeStack.closed) throw new IothError('EBADF', { syscall, hint: 'the stack is being closed' });
    if (nodeStack.hasKernelSockets) return this.programs;
    const hint = `a '${this.name}' stack is no network namespace of the kernel, which a program could be in: use a vdestack`;
    throw new IothError('ENOTSUP', { syscall, hint });
  }
}
