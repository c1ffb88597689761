// Which ensembles the cloud shows: by size, members, cost, accuracy, and what was drawn around.

import { choice, element, labelled } from "./dom.js";

/** @typedef {import("./ensembles.js").Ensembles} Ensembles */
/**
 * @typedef {{smallest: number, largest: number, cost: number, accuracy: number, withMembers: number[],
 *   withoutMembers: number[]}} Limits
 */

/** @returns {Limits} limits that every ensemble keeps */
export function noLimits() {
  return { smallest: 0, largest: Infinity, cost: Infinity, accuracy: -Infinity, withMembers: [], withoutMembers: [] };
}

/**
 * The rows within limits.
 * @param {Ensembles} ensembles
 * @param {Limits} limits
 * @param {ArrayLike<number>} accuracy in percent, of every row
 * @param {ArrayLike<number> | null} cost of every row, in the unit of the limit; null if there is none
 * @returns {Uint32Array}
 */
export function rowsWithin(ensembles, limits, accuracy, cost) {
  const none = noLimits();
  const numbers = /** @type {("smallest" | "largest" | "cost" | "accuracy")[]} */ (Object.keys(none).slice(0, 4));
  const members = limits.withMembers.length + limits.withoutMembers.length > 0;
  if (!members && numbers.every((key) => limits[key] === none[key])) return ensembles.rows();
  return ensembles.rows().filter((row) => {
    const size = ensembles.sizes[row];
    if (size < limits.smallest || size > limits.largest) return false;
    if (limits.accuracy > -Infinity && !(accuracy[row] >= limits.accuracy)) return false;
    if (limits.cost < Infinity && !(cost && cost[row] <= limits.cost)) return false;
    return (
      limits.withMembers.every((member) => ensembles.has(row, member)) &&
      !limits.withoutMembers.some((member) => ensembles.has(row, member))
    );
  });
}

/**
 * Whether a point is inside of a closed line: by how often a ray from it crosses the line.
 * @param {number} x
 * @param {number} y
 * @param {[number, number][]} line
 * @returns {boolean}
 */
export function isInside(x, y, line) {
  let inside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [line[i], line[j]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/**
 * The controls of the limits.
 * @param {string[]} members
 * @param {string} costTitle empty if no cost is known
 * @param {(limits: Limits) => void} change
 * @returns {HTMLElement}
 */
export function filterControls(members, costTitle, change) {
  const limits = noLimits();
  const number = (/** @type {"smallest" | "largest" | "cost" | "accuracy"} */ key, /** @type {string} */ text) => {
    const input = element("input", { type: "number", id: `filter-${key}`, step: "any" });
    input.addEventListener("input", () => {
      limits[key] = input.value === "" ? noLimits()[key] : Number(input.value);
      change(limits);
    });
    return labelled(text, input);
  };
  const presence = members.map((name, member) => {
    const options = [
      ["any", "any"],
      ["with", "with"],
      ["without", "without"],
    ].map(([value, title]) => ({ value, title }));
    const asked = choice(`filter-member-${member}`, options, "any", (value) => {
      limits.withMembers = limits.withMembers.filter((other) => other !== member);
      limits.withoutMembers = limits.withoutMembers.filter((other) => other !== member);
      if (value === "with") limits.withMembers.push(member);
      if (value === "without") limits.withoutMembers.push(member);
      change(limits);
    });
    return element("li", {}, [labelled(name, asked)]);
  });
  return element("div", {}, [
    element("div", { class: "tools" }, [
      number("smallest", "Size from"),
      number("largest", "to"),
      number("accuracy", "Accuracy at least (%)"),
      ...(costTitle ? [number("cost", `${costTitle} at most`)] : []),
    ]),
    element("details", {}, [
      element("summary", { text: "With or without certain members" }),
      element("ul", { class: "members" }, presence),
    ]),
  ]);
}
