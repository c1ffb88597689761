// The canvas of the cloud: frame, points, rings, and which point is where.

import { colouring, MARGIN, paintFrame, paintPoints, roomy, scaleOf } from "./painter.js";

/** @typedef {import("./ensembles.js").Ensembles} Ensembles */
/**
 * What is drawn. `rows` are the ensembles with a point, `shown` those to which the axes are fitted; `chosen` is the row
 * with a ring, `at` the place among `rows` of the point that is named (-1 for none), and `line` is in pixels.
 * @typedef {{rows: Uint32Array, shown: Uint32Array, x: ArrayLike<number>, y: ArrayLike<number>, xTitle: string,
 *   yTitle: string, colour: string, chosen: number, at: number, line: [number, number][]}} Scene
 */

export const NEAR = 12; // pixels from a point at which the pointer still means it
export const DARK = "(prefers-color-scheme: dark)";
const HEIGHT = 420;

/** A canvas with a cloud on it. */
export class CloudView {
  /** @param {HTMLCanvasElement} canvas @param {Ensembles} ensembles */
  constructor(canvas, ensembles) {
    this.canvas = canvas;
    this.ensembles = ensembles;
    /** @type {Float64Array} pixels from the left, of each row */
    this.xs = new Float64Array();
    /** @type {Float64Array} */
    this.ys = new Float64Array();
    this.width = 0;
    this.layer = document.createElement("canvas");
    /** @type {any[]} what the points on the layer depend on */
    this.painted = [];
    /** @type {[number, number]} */
    this.xRange = [0, 1];
    /** @type {[number, number]} */
    this.yRange = [0, 1];
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
    [this.xRange, this.yRange] = [roomy(scene.x, scene.shown), roomy(scene.y, scene.shown)];
    const { xTitle, yTitle } = scene;
    const [text, line] = [colour("--soft"), colour("--line")];
    paintFrame(context, {
      width: this.width,
      height: HEIGHT,
      x: this.xRange,
      y: this.yRange,
      xTitle,
      yTitle,
      text,
      line,
    });
    const [across, upwards] = this.scales();
    this.xs = Float64Array.from(scene.rows, (row) => across(scene.x[row]));
    this.ys = Float64Array.from(scene.rows, (row) => upwards(scene.y[row]));
    this.paint(context, density, scene);
    if (scene.chosen >= 0) {
      ring(context, across(scene.x[scene.chosen]), upwards(scene.y[scene.chosen]), 8, colour("--mark"));
    }
    if (scene.at >= 0) ring(context, this.xs[scene.at], this.ys[scene.at], 5, colour("--text"));
    context.strokeStyle = colour("--mark");
    context.beginPath();
    for (const [x, y] of scene.line) context.lineTo(x, y);
    context.stroke();
  }

  /** @returns {[(value: number) => number, (value: number) => number]} from numbers to pixels */
  scales() {
    return [
      scaleOf(this.xRange, [MARGIN.left, this.width - MARGIN.right]),
      scaleOf(this.yRange, [HEIGHT - MARGIN.bottom, MARGIN.top]),
    ];
  }

  /** @param {CanvasRenderingContext2D} context @param {number} density @param {Scene} scene */
  paint(context, density, scene) {
    /** @type {any[]} */
    const key = [scene.rows, scene.x, scene.y, scene.colour, density, this.width, ...this.xRange, ...this.yRange];
    key.push(matchMedia(DARK).matches);
    if (key.some((part, i) => part !== this.painted[i])) this.paintLayer(density, scene);
    this.painted = key;
    const { layer } = this;
    context.drawImage(layer, 0, 0, layer.width / density, layer.height / density);
  }

  /** The points, which are painted again only if something about them has changed. */
  paintLayer(/** @type {number} */ density, /** @type {Scene} */ scene) {
    const { layer } = this;
    layer.width = this.canvas.width;
    layer.height = this.canvas.height;
    const inner = layer.getContext("2d");
    if (!inner) return;
    const image = inner.createImageData(layer.width, layer.height);
    const colour = colouring(this.ensembles, scene.colour, matchMedia(DARK).matches);
    const size = Math.max(2, Math.round((scene.rows.length > 5000 ? 2 : 4) * density));
    const scaled = (/** @type {Float64Array} */ values) => values.map((value) => value * density);
    paintPoints(image, scaled(this.xs), scaled(this.ys), (i) => colour(scene.rows[i]), size);
    inner.putImageData(image, 0, 0);
  }

  /** @param {[number, number]} pixels @returns {[number, number]} the numbers of the axes there */
  numbersAt([x, y]) {
    return [
      scaleOf([MARGIN.left, this.width - MARGIN.right], this.xRange)(x),
      scaleOf([HEIGHT - MARGIN.bottom, MARGIN.top], this.yRange)(y),
    ];
  }

  /** @param {[number, number]} pixels @returns {number} the place of the nearest point; -1 if none is near */
  nearest([x, y]) {
    let [found, best] = [-1, NEAR * NEAR];
    for (let i = 0; i < this.xs.length; i++) {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (distance < best) [found, best] = [i, distance];
    }
    return found;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} colour
 */
function ring(context, x, y, radius, colour) {
  if (!Number.isFinite(x + y)) return;
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}
