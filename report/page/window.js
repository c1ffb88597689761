// The window of the cloud: which part of its axes is shown. Nothing here touches the page itself.

/** @typedef {[number, number]} Range */
/** @typedef {{x: Range, y: Range}} Window */

const MOST_TIMES = 1e6; // how much larger than as a whole a cloud can be shown

/**
 * A range of some width that begins at `start`, moved so that it is inside of the whole one.
 * @param {number} start
 * @param {number} span
 * @param {Range} whole
 * @returns {Range}
 */
function inside(start, span, [low, high]) {
  if (span >= high - low) return [low, high];
  const first = Math.min(Math.max(start, low), high - span);
  return [first, first + span];
}

/**
 * A range made narrower (`factor` below 1) or wider around a value, which stays at its place on the screen.
 * @param {Range} range
 * @param {Range} whole
 * @param {number} factor
 * @param {number} centre
 * @returns {Range}
 */
export function zoomed([low, high], whole, factor, centre) {
  const span = Math.max((high - low) * factor, (whole[1] - whole[0]) / MOST_TIMES);
  const share = high > low ? (centre - low) / (high - low) : 0.5;
  return inside(centre - share * span, span, whole);
}

/**
 * A range moved by a share of its width.
 * @param {Range} range
 * @param {Range} whole
 * @param {number} share
 * @returns {Range}
 */
export function moved([low, high], whole, share) {
  return inside(low + share * (high - low), high - low, whole);
}

/**
 * The range between two values.
 * @param {number} one
 * @param {number} other
 * @param {Range} whole
 * @returns {Range}
 */
export function between(one, other, whole) {
  const [low, high] = [Math.max(Math.min(one, other), whole[0]), Math.min(Math.max(one, other), whole[1])];
  return zoomed([low, high], whole, 1, (low + high) / 2);
}

/**
 * The rows whose point is inside of a window, its edges included.
 * @param {Uint32Array} rows
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {Window} window
 * @returns {Uint32Array}
 */
export function rowsInside(rows, x, y, window) {
  const [left, right] = window.x;
  const [low, high] = window.y;
  const found = new Uint32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (x[row] >= left && x[row] <= right && y[row] >= low && y[row] <= high) found[count++] = row;
  }
  return found.subarray(0, count);
}

/**
 * The next row in the order of some values (of equal values, in that of the rows); the first if `at` is -1, and `at`
 * itself after the last.
 * @param {Uint32Array} rows
 * @param {ArrayLike<number>} values
 * @param {number} at
 * @param {number} step 1 or -1
 * @returns {number}
 */
export function nextRow(rows, values, at, step) {
  const way = at < 0 ? 1 : step;
  let found = -1;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (at >= 0 && way * (values[row] - values[at] || row - at) <= 0) continue;
    if (found < 0 || way * (values[row] - values[found] || row - found) < 0) found = row;
  }
  return found < 0 ? at : found;
}
