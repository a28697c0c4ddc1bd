import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.js';

/** An Ethernet frame: 14 bytes of header, and data. */
export function frameOf(to: string, from: string, type: number, data: Uint8Array | string): Buffer {
  const header = Buffer.from(`${to}${from}${type.toString(16).padStart(4, '0')}`.replaceAll(':', ''), 'hex');
  return Buffer.concat([header, Buffer.from(data)]);
}

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';
/** An EtherType for experiments: IEEE 802. */
export const TEST_TYPE = 0x88b5;

/** A broadcast of the station `number`, which carries `text`. */
export function greeting(number: number, text: string): Buffer {
  return frameOf(BROADCAST, macOf(number), TEST_TYPE, text);
}

export function macOf(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
}

/** What a frame of {@link greeting} carries. */
export function textOf(frame: Buffer): string {
  return frame.subarray(14).toString();
}

/** An ARP request for 10.0.0.`target` by 10.0.0.`sender` (RFC 826). */
export function arpRequest(sender: number, target: number): Buffer {
  const mac = macOf(sender).replaceAll(':', '');
  const ip = (last: number) => `0a0000${last.toString(16).padStart(2, '0')}`;
  const arp = Buffer.from(`0001080006040001${mac}${ip(sender)}000000000000${ip(target)}`, 'hex');
  return frameOf(BROADCAST, macOf(sender), 0x0806, arp);
}

/** vde_switch(1), in a process of its own. */
export class SwitchProcess {
  readonly path: string;
  readonly #child;

  private constructor(dir: string, args: readonly string[]) {
    this.path = join(dir, 'vde_switch');
    this.#child = spawn('vde_switch', ['-s', this.path, ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  }

  static async start(dir: string, ...args: string[]): Promise<SwitchProcess> {
    const started = new SwitchProcess(dir, args);
    await until('vde_switch has its ctl', () => existsSync(join(started.path, 'ctl')));
    return started;
  }

  get vnl(): string {
    return `vde://${this.path}`;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
