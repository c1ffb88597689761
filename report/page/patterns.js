// Where ensembles and pairs are in the arrays of the data block.

/** @typedef {import("./block.js").Numbers} Numbers */

/**
 * Where the pair of members a and b is among (0, 1), (0, 2), …, (1, 2), …
 * @param {number} a
 * @param {number} b
 * @param {number} members
 * @returns {number}
 */
export function pairPlace(a, b, members) {
  const [first, second] = a < b ? [a, b] : [b, a];
  return first * members - (first * (first + 1)) / 2 + second - first - 1;
}

/** @param {number} members @returns {Uint8Array} */
export function sizesOfPatterns(members) {
  const sizes = new Uint8Array(2 ** members);
  for (let row = 1; row < sizes.length; row++) sizes[row] = sizes[row >> 1] + (row & 1);
  return sizes;
}

/** @param {number} members @returns {Uint8Array} the members of every pattern, one after the other */
export function membersOfPatterns(members) {
  const flat = new Uint8Array(members * 2 ** Math.max(members - 1, 0));
  let at = 0;
  for (let row = 1; row < 2 ** members; row++) {
    for (let member = 0; member < members; member++) if ((row >> member) & 1) flat[at++] = member;
  }
  return flat;
}

/** @param {Numbers} sizes @returns {Uint32Array} */
export function startsOf(sizes) {
  const starts = new Uint32Array(sizes.length + 1);
  for (let row = 0; row < sizes.length; row++) starts[row + 1] = starts[row] + sizes[row];
  return starts;
}

/** @param {Numbers} sizes @returns {Uint32Array} the rows of ensembles of two and more members */
export function rowsOfSeveral(sizes) {
  const rows = new Uint32Array(sizes.length);
  let count = 0;
  for (let row = 0; row < sizes.length; row++) if (sizes[row] > 1) rows[count++] = row;
  return rows.slice(0, count);
}
