// The canvas of the cloud: frame, points or density, rings, and which point is where.

import { CELL, gridOf, MOST_POINTS, paintGrid } from "./density.js";
import { NEAR } from "./gestures.js";
import { colouring, MARGIN, paintFrame, paintPoints, roomy, scaleOf } from "./painter.js";
import { rowsInside } from "./window.js";

/** @typedef {import("./ensembles.js").Ensembles} Ensembles */
/** @typedef {import("./window.js").Window} Window */
/** @typedef {import("./window.js").Range} Range */
/** @typedef {import("./density.js").Grid} Grid */
/**
 * What is drawn. `rows` are the ensembles that may be seen, `shown` those to which the axes are fitted, and `window` is
 * the part of the axes that is shown (null for all); `chosen` and `at` are the rows with a ring (-1 for none), and
 * `line` is in pixels.
 * @typedef {{rows: Uint32Array, shown: Uint32Array, x: ArrayLike<number>, y: ArrayLike<number>, xTitle: string,
 *   yTitle: string, window: Window | null, colour: string, chosen: number, at: number, line: [number, number][]}} Scene
 */

export const DARK = "(prefers-color-scheme: dark)";
const HEIGHT = 420;

/** A canvas with a cloud on it. */
export class CloudView {
  /** @param {HTMLCanvasElement} canvas @param {Ensembles} ensembles */
  constructor(canvas, ensembles) {
    this.canvas = canvas;
    this.ensembles = ensembles;
    this.width = 0;
    this.layer = document.createElement("canvas");
    /** @type {any[]} what the whole axes depend on */
    this.fitted = [];
    /** @type {any[]} what the points on the layer depend on */
    this.painted = [];
    /** @type {Window} the axes as a whole */
    this.whole = { x: [0, 1], y: [0, 1] };
    /** @type {Window} the part of them that is shown */
    this.window = this.whole;
    /** @type {ArrayLike<number>} */
    this.x = [];
    /** @type {ArrayLike<number>} */
    this.y = [];
    /** @type {Uint32Array} the rows in the window */
    this.rows = new Uint32Array();
    /** @type {Grid | null} their density; null if each has its point */
    this.grid = null;
  }

  /** @param {Scene} scene */
  draw(scene) {
    const { canvas } = this;
    this.width = canvas.clientWidth || 600;
    const density = devicePixelRatio || 1;
    canvas.width = Math.round(this.width * density);
    canvas.height = Math.round(HEIGHT * density);
    const context = canvas.getContext("2d");
    if (!context) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    context.scale(density, density);
    this.fit(scene);
    const { xTitle, yTitle } = scene;
    const [text, line] = [colour("--soft"), colour("--line")];
    paintFrame(context, { width: this.width, height: HEIGHT, ...this.window, xTitle, yTitle, text, line });
    this.paint(context, density, scene);
    const page = colour("--page");
    if (scene.chosen >= 0) ring(context, this.placeOf(scene.chosen), 8, colour("--mark"), page);
    if (scene.at >= 0) ring(context, this.placeOf(scene.at), 5, colour("--text"), page);
    context.strokeStyle = colour("--mark");
    context.lineWidth = 2.5;
    context.beginPath();
    for (const [x, y] of scene.line) context.lineTo(x, y);
    context.stroke();
  }

  /** The axes, which follow from the ensembles only if these have changed. @param {Scene} scene */
  fit(scene) {
    const key = [scene.x, scene.y, scene.shown];
    if (key.some((part, i) => part !== this.fitted[i])) {
      this.whole = { x: roomy(scene.x, scene.shown), y: roomy(scene.y, scene.shown) };
    }
    this.fitted = key;
    this.window = scene.window ?? this.whole;
    [this.x, this.y] = [scene.x, scene.y];
  }

  /** @returns {[(value: number) => number, (value: number) => number]} from numbers to pixels */
  scales() {
    const { left, right, top, bottom } = this.frame();
    return [scaleOf(this.window.x, [left, right]), scaleOf(this.window.y, [bottom, top])];
  }

  /** @returns {{left: number, right: number, top: number, bottom: number}} where the frame is, in pixels */
  frame() {
    return { left: MARGIN.left, right: this.width - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom };
  }

  /** @param {number} row @returns {[number, number]} its pixels; NaN outside of the window */
  placeOf(row) {
    const inside = rowsInside(Uint32Array.of(row), this.x, this.y, this.window).length > 0;
    const [across, upwards] = this.scales();
    return inside ? [across(this.x[row]), upwards(this.y[row])] : [NaN, NaN];
  }

  /** @param {CanvasRenderingContext2D} context @param {number} density @param {Scene} scene */
  paint(context, density, scene) {
    const { x, y } = this.window;
    /** @type {any[]} */
    const key = [scene.rows, scene.x, scene.y, scene.colour, density, this.width, ...x, ...y, matchMedia(DARK).matches];
    if (key.some((part, i) => part !== this.painted[i])) {
      this.rows = rowsInside(scene.rows, scene.x, scene.y, this.window);
      this.paintLayer(density, scene);
    }
    this.painted = key;
    const { layer } = this;
    context.drawImage(layer, 0, 0, layer.width / density, layer.height / density);
  }

  /** Points or density, which are painted again only if something about them has changed. */
  paintLayer(/** @type {number} */ density, /** @type {Scene} */ scene) {
    const { layer, rows } = this;
    layer.width = this.canvas.width;
    layer.height = this.canvas.height;
    const inner = layer.getContext("2d");
    if (!inner) return;
    const image = inner.createImageData(layer.width, layer.height);
    const dark = matchMedia(DARK).matches;
    const { left, right, top, bottom } = this.frame();
    this.grid = null;
    if (rows.length > MOST_POINTS) {
      const cells = [right - left, bottom - top].map((pixels) => Math.max(1, Math.round(pixels / CELL)));
      this.grid = gridOf(rows, this.x, this.y, this.window, cells[0], cells[1]);
      const frame = { left: left * density, right: right * density, top: top * density, bottom: bottom * density };
      paintGrid(image, this.grid, frame, dark);
    } else {
      const colour = colouring(this.ensembles, scene.colour, dark);
      const size = Math.max(2, Math.round((rows.length > 5000 ? 2 : 4) * density));
      const [across, upwards] = this.scales();
      const xs = Float64Array.from(rows, (row) => across(this.x[row]) * density);
      const ys = Float64Array.from(rows, (row) => upwards(this.y[row]) * density);
      paintPoints(image, xs, ys, (i) => colour(rows[i]), size);
    }
    inner.putImageData(image, 0, 0);
  }

  /** @param {[number, number]} pixels @returns {[number, number]} the numbers of the axes there */
  numbersAt([x, y]) {
    const { left, right, top, bottom } = this.frame();
    return [scaleOf([left, right], this.window.x)(x), scaleOf([bottom, top], this.window.y)(y)];
  }

  /** @param {[number, number]} pixels @returns {number} ensembles in the cell there; -1 if each has its point */
  countAt([x, y]) {
    if (!this.grid) return -1;
    const { columns, lines, counts } = this.grid;
    const { left, right, top, bottom } = this.frame();
    const column = Math.floor(((x - left) / (right - left)) * columns);
    const line = Math.floor(((bottom - y) / (bottom - top)) * lines);
    if (column < 0 || line < 0 || column >= columns || line >= lines) return 0;
    return counts[line * columns + column];
  }

  /** @param {[number, number]} pixels @returns {number} the row of the nearest point; -1 if none is near */
  nearest([x, y]) {
    const [across, upwards] = this.scales();
    let [found, best] = [-1, NEAR * NEAR];
    for (let i = 0; i < this.rows.length; i++) {
      const row = this.rows[i];
      const distance = (across(this.x[row]) - x) ** 2 + (upwards(this.y[row]) - y) ** 2;
      if (distance < best) [found, best] = [row, distance];
    }
    return found;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[number, number]} place
 * @param {number} radius
 * @param {string} colour
 * @param {string} around a colour that sets the ring apart from what is below
 */
function ring(context, [x, y], radius, colour, around) {
  if (!Number.isFinite(x + y)) return;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  for (const [style, width] of /** @type {[string, number][]} */ ([
    [around, 5],
    [colour, 2.5],
  ])) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}
