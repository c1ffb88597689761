// Drawing the cloud on a canvas. Points are written into pixels one by one, which is fast for tens of thousands.

import { along } from "./colours.js";
import { bounds, digitsOf, plain, ticks } from "./numbers.js";

export const MARGIN = { left: 64, right: 14, top: 12, bottom: 46 };
/** From few to many members: the colours of "viridis". */
const STOPS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];
const OPACITY = 0.75;
const WITH = [213, 94, 0];
const WITHOUT = [0, 114, 178];

/**
 * A colour for a share from 0 to 1.
 * @param {number} share
 * @returns {number[]}
 */
export function gradient(share) {
  return along(STOPS, share);
}

/**
 * From numbers to pixels.
 * @param {[number, number]} range of the numbers
 * @param {[number, number]} pixels where its ends are
 * @returns {(value: number) => number}
 */
export function scaleOf([low, high], [from, to]) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

/**
 * A little room on both sides, so that no point is on the frame.
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} rows
 * @returns {[number, number]}
 */
export function roomy(values, rows) {
  const [low, high] = bounds(values, rows);
  const room = (high - low || Math.abs(high) || 1) * 0.04;
  return [low - room, high + room];
}

/**
 * The colour of every row.
 * @param {import("./ensembles.js").Ensembles} ensembles
 * @param {string} colour "size", or "member:" and a position
 * @param {boolean} dark whether the page is dark: colours that cannot be seen on it are left out at one end
 * @returns {(row: number) => number[]}
 */
export function colouring(ensembles, colour, dark) {
  if (colour.startsWith("member:")) {
    const member = Number(colour.slice(7));
    return (row) => (ensembles.has(row, member) ? WITH : WITHOUT);
  }
  const [least, most] = bounds(ensembles.sizes, ensembles.rows());
  const [from, span] = dark ? [0.4, 0.6] : [0, 0.88];
  /** @type {number[][]} */
  const colours = [];
  for (let size = least; size <= most; size++) {
    colours[size] = gradient(from + span * (most > least ? (size - least) / (most - least) : 0.5));
  }
  return (row) => colours[ensembles.sizes[row]];
}

/**
 * Points in the pixels of a rectangle.
 * @param {ImageData} image
 * @param {Float64Array} xs pixels from the left of the rectangle
 * @param {Float64Array} ys
 * @param {(place: number) => number[]} colour
 * @param {number} size in pixels
 */
export function paintPoints(image, xs, ys, colour, size) {
  const { width, height, data } = image;
  for (let i = 0; i < xs.length; i++) {
    const [left, top] = [Math.round(xs[i] - size / 2), Math.round(ys[i] - size / 2)];
    if (!(left >= 0 && top >= 0 && left + size <= width && top + size <= height)) continue;
    const [red, green, blue] = colour(i);
    for (let y = top; y < top + size; y++) {
      for (let x = left; x < left + size; x++) {
        const at = 4 * (y * width + x);
        // Points over each other become opaque; one alone is a little transparent.
        const seen = data[at + 3] / 255;
        const share = seen ? OPACITY : 1;
        data[at] += (red - data[at]) * share;
        data[at + 1] += (green - data[at + 1]) * share;
        data[at + 2] += (blue - data[at + 2]) * share;
        data[at + 3] = 255 * (seen + (1 - seen) * OPACITY);
      }
    }
  }
}

/**
 * The frame of the cloud, its ticks and titles.
 * @param {CanvasRenderingContext2D} context
 * @param {{width: number, height: number, x: [number, number], y: [number, number], xTitle: string, yTitle: string,
 *   text: string, line: string}} frame
 */
export function paintFrame(context, frame) {
  const { width, height, x, y, text, line } = frame;
  const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = text;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  const across = ticks(...x, Math.max(2, Math.floor(width / 110)));
  for (const value of across) {
    const place = scaleOf(x, [left, right])(value);
    stroke(context, place, top, place, bottom);
    context.fillText(plain(value, digitsOf(across)), place, bottom + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  const upwards = ticks(...y, 6);
  for (const value of upwards) {
    const place = scaleOf(y, [bottom, top])(value);
    stroke(context, left, place, right, place);
    context.fillText(plain(value, digitsOf(upwards)), left - 6, place);
  }
  context.textAlign = "center";
  context.fillText(shortened(context, frame.xTitle, right - left), (left + right) / 2, height - 12);
  context.save();
  context.translate(12, (top + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(shortened(context, frame.yTitle, bottom - top), 0, 0);
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function stroke(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/**
 * A text that fits into a width.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 * @returns {string}
 */
function shortened(context, text, width) {
  let shown = text;
  while (shown.length > 4 && context.measureText(shown).width > width) shown = `${shown.slice(0, -3).trimEnd()}…`;
  return shown;
}
