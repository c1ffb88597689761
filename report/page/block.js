// The data block of the page (docs/contracts.md): from its text to typed arrays.

/** @typedef {{type: string, length: number, data: string}} Packed */
/** @typedef {Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array} Numbers */

/** @type {Record<string, any>} */
const ARRAYS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array };

/**
 * The bytes of a base64 text.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(text) {
  const signs = atob(text);
  const bytes = new Uint8Array(signs.length);
  for (let i = 0; i < signs.length; i++) bytes[i] = signs.charCodeAt(i);
  return bytes;
}

/**
 * The numbers of a packed array: inflated, with the bytes of each number together again.
 * @param {Packed} packed
 * @returns {Promise<Numbers>}
 */
export async function unpack(packed) {
  const stream = new Blob([bytesOf(packed.data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const Kind = ARRAYS[packed.type];
  const size = Kind.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < size; plane++) {
    const start = plane * packed.length;
    for (let i = 0; i < packed.length; i++) bytes[i * size + plane] = planes[start + i];
  }
  return new Kind(bytes.buffer);
}

/** @param {any} value @returns {value is Packed} */
function isPacked(value) {
  return value !== null && typeof value === "object" && typeof value.data === "string" && value.type in ARRAYS;
}

/**
 * The same content with every packed array in it unpacked, except below the key `later`.
 * @param {any} content
 * @param {string} [later]
 * @returns {Promise<any>}
 */
export async function unpackAll(content, later = "pictures") {
  if (isPacked(content)) return unpack(content);
  if (Array.isArray(content)) return Promise.all(content.map((value) => unpackAll(value, later)));
  if (content === null || typeof content !== "object") return content;
  const names = Object.keys(content);
  const values = await Promise.all(
    names.map((name) => (name === later ? content[name] : unpackAll(content[name], later))),
  );
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}
