import { printable } from '../../core/printable.js';
import type { PingOptions, PingProbe, PingResult } from '../../ping/ping.js';
import { type Command, EXIT_FAILED, EXIT_OK, type Invocation } from '../command.js';
import { openStack } from '../config.js';
import { numberOption, secondsOption } from '../parse.js';
import { print, printJson } from '../terminal.js';

/** `ioth ping`. */
export const command: Command = {
  usage: 'CONFIG HOST',
  argumentCount: [2, 2],
  help: `
Sends ICMP echo requests from a stack, IPv4 or IPv6. Prints each answer as it comes, then the loss. Exit code 1 if there was
no answer.

  ioth ping -c 3 vde:///tmp/sw,eth,ip=10.0.0.2/24 10.0.0.1`,
  options: {
    count: { short: 'c', value: 'NUMBER', help: 'number of requests (4)' },
    interval: { short: 'i', value: 'SECONDS', help: 'time from one request to the next (1)' },
    size: { short: 's', value: 'BYTES', help: 'size of the data in each request (56)' },
    ttl: { short: 't', value: 'NUMBER', help: 'time to live, or hop limit' },
    wait: { short: 'w', value: 'SECONDS', help: 'how long to wait for each answer (2)' },
    json: { help: 'prints JSON at the end' },
  },
  async run(invocation: Invocation) {
    const { args, options, signal } = invocation;
    const [config, host] = args as [string, string];
    const settings: PingOptions = {
      count: numberOption(invocation, 'count', { min: 1, max: 65_535, isWhole: true }),
      interval: secondsOption(invocation, 'interval'),
      size: numberOption(invocation, 'size', { min: 0, max: 65_507, isWhole: true }),
      ttl: numberOption(invocation, 'ttl', { min: 1, max: 255, isWhole: true }),
      timeout: secondsOption(invocation, 'wait'),
      onProbe: options.json ? undefined : (probe) => print(probeLine(probe)),
      signal,
    };
    await using stack = await openStack(config, { signal, loopback: true });
    const result = await stack.ping(host, settings);
    if (options.json) printJson(plainResult(result));
    else print(summary(result));
    return result.received > 0 ? EXIT_OK : EXIT_FAILED;
  },
};

function probeLine({ seq, address, time, bytes, ttl, error }: PingProbe): string {
  if (time === null) return `seq=${seq}: ${printable(error?.message ?? 'no answer')}`;
  return `${bytes} bytes from ${address}: seq=${seq}${ttl === null ? '' : ` ttl=${ttl}`} time=${time.toFixed(3)} ms`;
}

function summary({ host, address, transmitted, received, loss, min, avg, max, mdev }: PingResult): string {
  const who = host === address ? host : `${host} (${address})`;
  const lines = [`${who}: ${transmitted} sent, ${received} received, ${Math.round(loss * 100)}% lost`];
  if (min !== null)
    lines.push(`min/avg/max/mdev = ${[min, avg, max, mdev].map((time) => time?.toFixed(3)).join('/')} ms`);
  return lines.join('\n');
}

/** Returns the result with error codes in place of errors. */
function plainResult({ probes, ...result }: PingResult): object {
  return {
    ...result,
    probes: probes.map(({ error, ...probe }) => ({ ...probe, ...(error && { error: error.code }) })),
  };
}
