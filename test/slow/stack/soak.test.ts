import { run } from '../../support/child.js';
import { ROOT } from '../../support/compiled.js';

test('the soak, in its short form and without memory: nothing is left', async () => {
  const args = ['run', '--silent', 'soak', '--', '--rounds', '3000', '--stacks', '30', '--aborted', '400', '--counts'];
  const { code, stdout, stderr } = await run('npm', args, { cwd: ROOT });
  expect({ code, stderr: stderr.replace(/^npm warn .*\n/gm, ''), stdout }).toMatchObject({ code: 0, stderr: '' });
  expect(stdout).toMatch(/3000 rounds .*\n30 stacks .*\n400 aborted /);
});
