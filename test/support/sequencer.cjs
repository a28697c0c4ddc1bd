const { default: Sequencer } = require('@jest/test-sequencer');

const ORDER = ['unit', 'system', 'slow'];

/** The projects in their order, so that what is quick fails early; within one, jest's own order: the longest first. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = ({ context }) => ORDER.indexOf(context.config.displayName.name);
    return super.sort(tests).sort((a, b) => rank(a) - rank(b));
  }
};
