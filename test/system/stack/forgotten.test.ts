import { startScript } from '../../support/child.js';

test.concurrent('what is collected unclosed is closed, with one warning; what waits is kept', async () => {
  const life = startScript('forgotten.ts', [], { flags: ['--expose-gc'] });
  const { code } = await life.exit;
  expect({ code, stdout: life.stdout.trim().split('\n') }).toEqual({
    code: 0,
    stdout: ['sockets 5 true', 'waiting kept', 'stack 1 true', 'kept false false'],
  });
  expect(life.stderr.match(/IOTH_FORGOTTEN/g)).toHaveLength(1);
  expect(life.stderr).toMatch(/\[IOTH_FORGOTTEN\] ResourceWarning: A Socket was garbage collected .*NODE_DEBUG=ioth/);
});

test.concurrent('NODE_DEBUG=ioth tells where it was made', async () => {
  const life = startScript('forgotten.ts', [], { flags: ['--expose-gc'], env: { NODE_DEBUG: 'ioth' } });
  const { code } = await life.exit;
  expect(code).toBe(0);
  expect(life.stderr.match(/IOTH_FORGOTTEN/g)).toHaveLength(1);
  expect(life.stderr).toMatch(
    /ResourceWarning: A Socket [\s\S]*It was made\s+at [\s\S]*forgetSockets \(.*forgotten\.js/,
  );
  expect(life.stderr).toMatch(/IOTH \d+: a forgotten Stack was closed; it was made\s+at [\s\S]*forgetStack \(/);
});
