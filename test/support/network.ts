import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AF_INET, AF_INET6 } from '../../lib/constants/index.js';
import { Stack } from '../../lib/stack/stack.js';
import { expectNothingLeft, holdings } from './leaks.js';

/** Stacks on a switch of their own. Stack number i (from 0) has 10.0.0.(i+1)/24 and fd00::(i+1)/64 on vde0, and lo up. */
export interface Network {
  readonly dir: string;
  /** Joins one more stack: 'vde://…'. */
  readonly vnl: string;
  readonly stacks: readonly Stack[];
  /** Closes the stacks and checks that the process holds what it held before, and that no file is left. */
  close(): Promise<void>;
}

/** A directory of its own, empty, for sockets and files. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'ioth-test-'));
}

/** `count` vdestacks on a switch; the first one's daemon is the switch. */
export async function network(count = 2): Promise<Network> {
  const before = holdings();
  const dir = temporaryDirectory();
  const stacks: Stack[] = [];
  const close = async () => {
    for (const stack of stacks.reverse()) await stack.close();
    const left = await withoutSwitch(dir);
    rmSync(dir, { recursive: true, force: true });
    expect(left).toEqual([]);
    await expectNothingLeft(before);
  };
  try {
    for (let i = 0; i < count; i++) {
      const stack = new Stack('vdestack', `${i === 0 ? 'switch' : 'vde'}://${dir}/switch`);
      stacks.push(stack);
      configure(stack, i + 1);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { dir, vnl: `vde://${dir}/switch`, stacks: [...stacks], close };
}

/** Gives a stack the addresses that end in `number`. */
export function configure(stack: Stack, number: number, ifname = 'vde0'): void {
  const ifindex = stack.if_nametoindex(ifname);
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, `10.0.0.${number}`, 24, ifindex);
  stack.ipaddr_add(AF_INET6, `fd00::${number}`, 64, ifindex);
}

// the switch removes its sockets when its daemon ends, a moment after the stack
async function withoutSwitch(dir: string): Promise<string[]> {
  for (let i = 0; i < 100 && readdirSync(dir).includes('switch'); i++) await delay(20);
  return readdirSync(dir);
}

/** A stack on 10.0.0.1/24 of a network where nobody answers. */
export function aloneStack(): Stack {
  const stack = new Stack('vdestack', 'null://');
  const ifindex = stack.if_nametoindex('vde0');
  stack.linksetupdown(stack.if_nametoindex('lo'), true);
  stack.linksetupdown(ifindex, true);
  stack.ipaddr_add(AF_INET, '10.0.0.1', 24, ifindex);
  return stack;
}
