import { startScript } from '../../support/child.js';

test.concurrent.each([
  ['an idle stack', 'end'],
  ['an idle socket', 'end'],
  ['a socket that waited', 'end'],
  ['an operation that was aborted', 'ABORT_ERR end'],
  ['an operation that timed out', 'ETIMEDOUT end'],
  ['an operation of a socket that was unrefed', 'end'],
  ['an operation of a socket that is unrefed', 'end'],
  ['a timeout of a socket that is unrefed', 'end'],
  ['an operation on a stack that is unrefed', 'end'],
  ['a refed socket on an unrefed stack', 'end'],
  ['an operation', 'kept end'],
  ['an operation of a socket that is refed again', 'kept end'],
  ['an operation on a stack that is refed again', 'kept end'],
  ['two operations, one of them unrefed', 'kept end'],
])('%s: %s', async (what, says) => {
  const life = startScript('loop.ts', [what]);
  const { code } = await life.exit;
  expect({ code, says: life.stdout.trim().replaceAll('\n', ' '), stderr: life.stderr }).toEqual({
    code: 0,
    says,
    stderr: '',
  });
});
