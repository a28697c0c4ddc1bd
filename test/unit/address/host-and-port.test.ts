import { hostAndPort } from '../../../lib/address/host-and-port.js';

const parts = (host: string, port: number) => ({ host, port, flowinfo: 0, scopeid: 0 });

test.each([
  ['10.0.0.1:80', '10.0.0.1', 80],
  ['[fd00::1]:80', 'fd00::1', 80],
  ['[::]:0', '::', 0],
  ['[fe80::1%vde0]:65535', 'fe80::1%vde0', 65535],
  ['www.example.org:8080', 'www.example.org', 8080],
  ['localhost:1', 'localhost', 1],
  [':5000', '', 5000],
  ['[::ffff:10.0.0.1]:9', '::ffff:10.0.0.1', 9],
])('%s', (text, host, port) => {
  expect(hostAndPort('addr', text)).toEqual(parts(host, port));
});

test('an object has host or address, an array the same in its order', () => {
  expect(hostAndPort('addr', { host: '10.0.0.1', port: 80 })).toEqual(parts('10.0.0.1', 80));
  expect(hostAndPort('addr', { address: '10.0.0.1', port: 80 })).toEqual(parts('10.0.0.1', 80));
  expect(hostAndPort('addr', { address: 'same', host: 'same', port: 80 })).toEqual(parts('same', 80));
  expect(hostAndPort('addr', ['fe80::1', 80, 1, 'vde0'])).toEqual({
    ...{ host: 'fe80::1', port: 80, flowinfo: 1, scopeid: 'vde0' },
  });
});

test.each([
  // the port of 'fd00::1:80' may be a part of the address
  ['fd00::1:80', 'ERR_INVALID_ARG_VALUE', "in brackets, as '[fd00::1:80]:80'"],
  ['fd00::1', 'ERR_INVALID_ARG_VALUE', 'in brackets'],
  ['10.0.0.1', 'ERR_INVALID_ARG_VALUE', "with its port, as '10.0.0.1:80'"],
  ['host', 'ERR_INVALID_ARG_VALUE', "with its port, as 'host:80'"],
  ['[10.0.0.1]:80', 'ERR_INVALID_ARG_VALUE', 'an IPv6 address in the brackets'],
  ['10.0.0.1:65536', 'ERR_OUT_OF_RANGE', '65535'],
  ['10.0.0.1:http', 'ERR_INVALID_ARG_VALUE', "'10.0.0.1:80'"],
  ['10.0.0.1:-1', 'ERR_INVALID_ARG_VALUE', "'10.0.0.1:80'"],
  ['[fd00::1]', 'ERR_INVALID_ARG_VALUE', "'[fd00::1]:80'"],
  ['[[fd00::1]]:80', 'ERR_INVALID_ARG_VALUE', "'[fd00::1]:80'"],
  ['', 'ERR_INVALID_ARG_VALUE', "'10.0.0.1:80'"],
  ['a\0b:80', 'ERR_INVALID_ARG_VALUE', 'NUL'],
  ['http://host:80', 'ERR_INVALID_ARG_VALUE', "'10.0.0.1:80'"],
  [{ host: 'a', address: 'b', port: 80 }, 'ERR_INVALID_ARG_VALUE', 'host or address, not both'],
  [{ port: 80 }, 'ERR_INVALID_ARG_TYPE', '{ host, port }'],
  [{ host: 'a' }, 'ERR_INVALID_ARG_TYPE', '{ host, port }'],
  [{ host: 'a', port: '80' }, 'ERR_INVALID_ARG_TYPE', 'addr port'],
  [['a', 80, 0, true], 'ERR_INVALID_ARG_TYPE', 'addr scopeid'],
  [80, 'ERR_INVALID_ARG_TYPE', '[host, port]'],
])('refuses %p', (input, code, words) => {
  expect(() => hostAndPort('addr', input)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) }),
  );
});
