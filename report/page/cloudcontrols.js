// The controls of the cloud, and how to use it in words.

import { choice, element } from "./dom.js";

/** @typedef {import("./main.js").Explorer} Explorer */

export const HELP =
  "Point at an ensemble to see its members, and click to choose it. A drag draws a line around some, to see only " +
  "these, or zooms, or moves the view, as chosen above. Ctrl and the wheel zoom as well. With the keyboard: arrow " +
  "keys go from one ensemble to the next, Enter chooses it, + and − zoom, Shift with arrow keys moves the view, and " +
  "0 shows all.";
export const DRAGS = [
  { value: "line", title: "draws a line around ensembles" },
  { value: "zoom", title: "zooms into a rectangle" },
  { value: "move", title: "moves the view" },
];

/** @param {string} id @param {string} text @param {() => void} onclick @returns {HTMLButtonElement} */
export function button(id, text, onclick) {
  return element("button", { type: "button", id, text, onclick });
}

/** @param {Explorer} explorer @returns {HTMLSelectElement} */
export function colourChoice(explorer) {
  const members = explorer.block.members.map((/** @type {string} */ name, /** @type {number} */ member) => ({
    value: `member:${member}`,
    title: `with or without ${name}`,
  }));
  const options = [{ value: "size", title: "number of members" }, ...members];
  return choice("cloud-colour", options, explorer.state.colour, (colour) => explorer.update({ colour }));
}
