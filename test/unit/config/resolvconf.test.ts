import { mergeSettings, renderResolvConf } from '../../../lib/config/resolvconf.js';

test('resolv.conf: each name and server once, in order', () => {
  const settings = mergeSettings([
    { servers: ['fd00::1', '10.0.0.1'], search: ['b.org'] },
    { servers: ['10.0.0.2', 'fd00::1'], search: ['a.org', 'b.org'] },
  ]);
  const text = 'search b.org a.org\nnameserver fd00::1\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n';
  expect(renderResolvConf(settings)).toBe(text);
  expect(renderResolvConf({ servers: [], search: [] })).toBe('');
});
