// What stands below the cloud: how many ensembles are shown, what colours mean, and the first ensembles by the axis that
// goes up.

import { listed, tableOf } from "./answers.js";
import { MOST_POINTS } from "./density.js";
import { element } from "./dom.js";
import { plain, whole } from "./numbers.js";

/** @typedef {import("./main.js").Explorer} Explorer */
/** @typedef {import("./axes.js").Axis} Axis */
/** @typedef {{axis: Axis, values: ArrayLike<number>}} Measured */

const MOST_LISTED = 20;

/**
 * How many ensembles are shown, and why others are not.
 * @param {number} shown
 * @param {Uint32Array} rows within the limits
 * @param {Measured} y
 * @param {Measured} x
 * @param {number} total
 * @param {string} place
 * @returns {string}
 */
export function countText(shown, rows, y, x, total, place) {
  let known = 0;
  for (const row of rows) if (Number.isFinite(x.values[row] + y.values[row])) known++;
  const [outside, unknown] = [known - shown, rows.length - known];
  const beyond = outside ? ` ${whole(outside)} are outside of this part of the cloud.` : "";
  const without = unknown ? ` ${whole(unknown)} have no value on an axis.` : "";
  return `${whole(shown)} of ${whole(total)} ensembles are shown, on ${place}.${beyond}${without}`;
}

/**
 * @param {boolean} dense whether a density is shown
 * @param {string} colour "size", or "member:" and a position
 * @param {string[]} members
 * @returns {string}
 */
export function meaningOfColours(dense, colour, members) {
  const ring = "The ring is the chosen ensemble.";
  if (dense) {
    const few = `Up to ${whole(MOST_POINTS)} ensembles have a point each, coloured as chosen: zoom in, or set limits.`;
    return `Colour: how many ensembles are at a place, on a logarithmic scale. ${few} ${ring}`;
  }
  const member = colour.startsWith("member:") ? members[Number(colour.slice(7))] : "";
  if (member) return `Orange: with ${member}. Blue: without. ${ring}`;
  return `Colour: from dark blue (few members) to green and yellow (many). ${ring}`;
}

/**
 * @param {Explorer} explorer
 * @param {Uint32Array} rows all with a value
 * @param {Measured} y
 * @param {Measured} x
 * @returns {HTMLElement[]} the table; nothing if there are no rows
 */
export function firstEnsembles(explorer, rows, y, x) {
  const { ensembles } = explorer;
  const sign = y.axis.key === "nll" || y.axis.key === "brier" ? -1 : 1;
  const order = firstRows(rows, (a, b) => {
    return sign * (y.values[b] - y.values[a]) || ensembles.sizes[a] - ensembles.sizes[b] || a - b;
  });
  const cells = order.map((row) => [
    loader(explorer, row),
    `${ensembles.sizes[row]}`,
    plain(y.values[row], 3),
    plain(x.values[row], 3),
  ]);
  const caption = `The first ${order.length} of them by ${y.axis.title}`;
  return order.length ? [tableOf(caption, ["Members", "Size", y.axis.title, x.axis.title], cells)] : [];
}

/** @param {Explorer} explorer @param {number} row @returns {HTMLElement} its members, as a button that chooses them */
function loader(explorer, row) {
  const members = explorer.ensembles.membersOf(row);
  const names = members.map((member) => explorer.block.members[member]);
  const load = () => explorer.update({ members });
  return element("button", { type: "button", class: "link", text: listed(names, 8), onclick: load });
}

/**
 * The first rows in an order, without sorting all of them.
 * @param {Uint32Array} rows
 * @param {(a: number, b: number) => number} compare
 * @returns {number[]}
 */
function firstRows(rows, compare) {
  /** @type {number[]} */
  const found = [];
  for (const row of rows) {
    if (found.length === MOST_LISTED && compare(row, found[MOST_LISTED - 1]) >= 0) continue;
    let at = found.length;
    while (at && compare(row, found[at - 1]) < 0) at--;
    found.splice(at, 0, row);
    if (found.length > MOST_LISTED) found.pop();
  }
  return found;
}
