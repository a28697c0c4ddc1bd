import { printable, printableJson, printableLines } from '../../../lib/core/printable.js';

it.each([
  ['plain text, é, 漢字, 🙂', 'plain text, é, 漢字, 🙂'],
  ['\x1b[2J', '\\027[2J'],
  ['a\nb\rc\td\0', 'a\\010b\\013c\\009d\\000'],
  ['\x7f\x9b31m', '\\127\\194\\15531m'],
  ['a\u202eb\u2028c\u200bd', 'a\\226\\128\\174b\\226\\128\\168c\\226\\128\\139d'],
  ['\ud800', '\\239\\191\\189'],
])('printable(%j)', (text, expected) => {
  expect(printable(text)).toBe(expected);
});

it('lines stay lines', () => {
  expect(printableLines('a\x1b[1A\nb')).toBe('a\\027[1A\nb');
});

it('JSON keeps its value', () => {
  const value = { name: 'a\x1b\x7f\x9b\u202e\u{e0001}b\nc' };
  const json = printableJson(JSON.stringify(value, null, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
