import { inspect } from 'node:util';
import { IothError } from '../../../lib/core/errors.js';

const error = new IothError('ENODEV', { syscall: 'RTM_GETLINK', hint: "no interface is named 'eth7'" });
const text = "IothError: RTM_GETLINK ENODEV: no such device: no interface is named 'eth7'";

it('has its text at every depth of util.inspect', () => {
  // as the probes of a ping, which the REPL prints
  expect(inspect({ probes: [{ error }] })).toContain(`error: [${text}]`);
  expect(inspect(error)).toMatch(/^IothError: RTM_GETLINK ENODEV: .*\n {4}at /);
  expect(inspect([[[[error]]]], { depth: null })).toMatch(/IothError: RTM_GETLINK ENODEV: .*\n +at /);
});

it('shows the text of its own codes too', () => {
  const dead = new IothError('ERR_STACK_DEAD', { syscall: 'socket', hint: 'the daemon died' });
  expect(inspect([[[dead]]])).toContain('[IothError: socket: the daemon died]');
});
