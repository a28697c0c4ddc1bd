import { stropt } from '../../../lib/config/stropt.js';

/** What libstropt 0.1.2 answers: `tag=value`, or `tag` alone, between bars. */
const FROM_C: [string, string][] = [
  ['', ''],
  ['a,b', '[a][b]'],
  [' a , b ', '[a][b]'],
  ['a= b', '[a]=[][b]'],
  ['a=,b', '[a]=[][b]'],
  ['a=b=c', '[a]=[b=c]'],
  ["a='x,y'", '[a]=[x,y]'],
  ['a="x y"', '[a]=[x y]'],
  ['a=x\\,y', '[a]=[x,y]'],
  [',,a,,', '[a]'],
  ["a='xy", '[a]=[xy]'],
  ["a=x'y'z", '[a]=[xyz]'],
  ['a;b\tc\nd', '[a][b][c][d]'],
  ['a#b,c', '[a]'],
  ['a=b #c', '[a]=[b]'],
  ['a#b\nc', '[a][c]'],
  ["a=''", '[a]=[]'],
  ["''", '[]'],
  ["'a'=b", '[a]=[b]'],
  ['a="x\\"y"', '[a]=[x\\y]'],
  ["a='x\\'y'", '[a]=[x\\y]'],
  ['a\\', '[a]'],
  ['a==b', '[a]=[=b]'],
  ["x='a=b'", '[x]=[a=b]'],
  ['a\\ b', '[a b]'],
  ['a\\nb', '[anb]'],
  ['a\\\nb', '[ab]'],
  ['"a,b"=c', '[a,b]=[c]'],
  ["a='#'b", '[a]=[#b]'],
  ['a=b\\#c', '[a]=[b#c]'],
  ['a\\=b=c', '[a=b]=[c]'],
  ['#x', ''],
  ["'' , a", '[][a]'],
  ['a=1,# c,b\nd', '[a]=[1][d]'],
  ['a=b"c\'d"e', "[a]=[bc'de]"],
];

test.each(FROM_C)('%j is split as C splits it', (input, expected) => {
  const text = stropt(input)
    .map(({ tag, value }) => (value === null ? `[${tag}]` : `[${tag}]=[${value}]`))
    .join('');
  expect(text).toBe(expected);
});
