const { default: Sequencer } = require('@jest/test-sequencer');

const ORDER = ['unit', 'system', 'slow'];
/** What takes a minute, for a first run, which has no times of the last one. */
const LONG = [
  'bounds',
  'slow/stack/hostile-peers',
  'random-locators',
  'versions',
  'runners',
  'docs',
  'stress',
  'types',
];

/** The projects in their order, so that what is quick fails early; within one, the longest first. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => ORDER.indexOf(context.config.displayName.name);
    const isLong = ({ path }) => LONG.some((name) => path.endsWith(`${name}.test.ts`));
    return super.sort(tests).sort((a, b) => rank(a) - rank(b) || isLong(b) - isLong(a));
  }
};
