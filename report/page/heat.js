// Images of samples and attribution maps, drawn on small canvases.

import { unpack } from "./block.js";
import { along } from "./colours.js";
import { element } from "./dom.js";

/** @typedef {{size: number, channels: number, images: any, map_size: number, maps: Record<string, any>}} Pictures */

/** From dark to bright: black, red, orange, yellow, white. */
const HEAT = [
  [0, 0, 0],
  [120, 20, 30],
  [220, 80, 20],
  [250, 190, 60],
  [255, 255, 230],
];

/**
 * A colour for a level from 0 to 15.
 * @param {number} level
 * @returns {number[]}
 */
export function heatColour(level) {
  return along(HEAT, level / 15);
}

/** @param {number} size @param {string} text @param {(at: number) => number[]} colour @returns {HTMLCanvasElement} */
function drawn(size, text, colour) {
  const canvas = element("canvas", { width: size, height: size, class: "sample", role: "img", "aria-label": text });
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (let at = 0; at < size * size; at++) image.data.set([...colour(at), 255], 4 * at);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The pictures of one validation set, unpacked when they are asked for. */
export class Gallery {
  /** @param {Pictures} pictures */
  constructor(pictures) {
    this.pictures = pictures;
    /** @type {Map<string, Promise<any>>} */
    this.unpacked = new Map();
  }

  /** @param {string} name @param {any} packed @returns {Promise<any>} */
  values(name, packed) {
    const found = this.unpacked.get(name) ?? unpack(packed);
    this.unpacked.set(name, found);
    return found;
  }

  /** @param {number} sample @param {string} text @returns {Promise<HTMLCanvasElement>} */
  async image(sample, text) {
    const { size, channels, images } = this.pictures;
    const values = await this.values("images", images);
    const start = sample * size * size * channels;
    return drawn(size, text, (at) =>
      channels === 1 ? Array(3).fill(values[start + at]) : [...values.subarray(start + 3 * at, start + 3 * at + 3)],
    );
  }

  /** @param {number} sample @param {number} member @param {string} text @returns {Promise<HTMLElement>} */
  async map(sample, member, text) {
    const { map_size: size, maps } = this.pictures;
    if (!maps[member]) return element("span", { class: "soft", text: "no map" });
    const values = await this.values(`map ${member}`, maps[member]);
    return drawn(size, text, (at) => heatColour(values[sample * size * size + at]));
  }
}
