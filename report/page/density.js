// Very many ensembles are drawn as a density: how many there are in each cell of a grid.

import { along } from "./colours.js";
import { whole } from "./numbers.js";

/** @typedef {import("./window.js").Window} Window */
/**
 * Ensembles counted in cells: `columns` across, the lowest row of cells first; `most` is the largest count.
 * @typedef {{columns: number, lines: number, counts: Uint32Array, most: number}} Grid
 */

/** More ensembles than these in the window are a density; up to these, each is a point. As in the figures. */
export const MOST_POINTS = 50_000;
export const CELL = 4; // pixels a side, about
/** "cividis": as light as its place is far along, for readers with any colour vision. */
const CIVIDIS = [
  [0, 34, 78],
  [18, 53, 112],
  [59, 73, 108],
  [87, 93, 109],
  [112, 113, 115],
  [138, 134, 120],
  [165, 156, 116],
  [195, 179, 105],
  [225, 204, 85],
  [254, 232, 56],
];

/**
 * The colour of a cell. Few ensembles are dark on a light page; on a dark one, the darkest colours are left out.
 * @param {number} count 1 and more
 * @param {number} most
 * @param {boolean} dark
 * @returns {number[]}
 */
export function densityColour(count, most, dark) {
  const share = most > 1 ? Math.log(count) / Math.log(most) : 0;
  return along(CIVIDIS, dark ? 0.4 + 0.6 * share : 0.92 * share);
}

/**
 * @param {Uint32Array} rows all of them inside of the window
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @param {Window} window
 * @param {number} columns
 * @param {number} lines
 * @returns {Grid}
 */
export function gridOf(rows, x, y, window, columns, lines) {
  const counts = new Uint32Array(columns * lines);
  const across = columns / (window.x[1] - window.x[0]);
  const upwards = lines / (window.y[1] - window.y[0]);
  let most = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    const column = Math.min(Math.floor((x[row] - window.x[0]) * across), columns - 1);
    const line = Math.min(Math.floor((y[row] - window.y[0]) * upwards), lines - 1);
    const count = ++counts[line * columns + column];
    if (count > most) most = count;
  }
  return { columns, lines, counts, most };
}

/**
 * The cells in the pixels of a rectangle of an image.
 * @param {ImageData} image
 * @param {Grid} grid
 * @param {{left: number, right: number, top: number, bottom: number}} frame
 * @param {boolean} dark
 */
export function paintGrid(image, grid, frame, dark) {
  const { columns, lines, counts, most } = grid;
  const pixels = new Uint32Array(image.data.buffer);
  const width = (frame.right - frame.left) / columns;
  const height = (frame.bottom - frame.top) / lines;
  for (let line = 0; line < lines; line++) {
    const [top, bottom] = [frame.bottom - (line + 1) * height, frame.bottom - line * height].map(Math.round);
    for (let column = 0; column < columns; column++) {
      const count = counts[line * columns + column];
      if (!count) continue;
      const [red, green, blue] = densityColour(count, most, dark);
      const colour = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
      const [left, right] = [frame.left + column * width, frame.left + (column + 1) * width].map(Math.round);
      for (let y = top; y < bottom; y++) pixels.fill(colour, y * image.width + left, y * image.width + right);
    }
  }
}

/**
 * Counts that stand below the bar of colours: 1, powers of ten, and the largest, none too near to the next.
 * @param {number} most
 * @returns {number[]}
 */
export function scaleTicks(most) {
  const found = [];
  for (let count = 1; count * 3 <= most || count === 1; count *= 10) found.push(count);
  return most > 1 ? [...found, most] : found;
}

/**
 * The bar that explains the colours.
 * @param {HTMLCanvasElement} canvas
 * @param {number} most
 * @param {boolean} dark
 * @param {string} text the colour of its numbers
 */
export function paintScale(canvas, most, dark, text) {
  const [width, height, bar, room] = [260, 34, 12, 24];
  const density = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [width * density, height * density];
  canvas.setAttribute("aria-label", `Colours from 1 to ${whole(most)} ensembles in a cell`);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(density, density);
  const length = width - 2 * room;
  for (let x = 0; x < length; x++) {
    context.fillStyle = `rgb(${densityColour(most ** (x / length), most, dark)})`;
    context.fillRect(room + x, 0, 1.5, bar);
  }
  context.fillStyle = text;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const count of scaleTicks(most)) {
    const share = most > 1 ? Math.log(count) / Math.log(most) : 0.5;
    context.fillText(whole(count), room + share * length, bar + 5);
  }
}
