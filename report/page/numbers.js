// How numbers are written: as in the tables of the page, with a true minus, and a dash where there is none.

/**
 * @param {number | null | undefined} value
 * @param {number} [digits]
 * @returns {string}
 */
export function plain(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = halfToEven(value, digits).toFixed(digits);
  return (/^-0(\.0*)?$/.test(text) ? text.slice(1) : text).replace("-", "−");
}

/**
 * A number that is exactly in the middle of two roundings is moved to the even one, as in the tables: `toFixed` would
 * take the larger.
 * @param {number} value
 * @param {number} digits
 * @returns {number}
 */
function halfToEven(value, digits) {
  const scaled = value * 10 ** digits;
  if (!Number.isInteger(value * 2 ** (digits + 1)) || Math.abs(scaled % 1) !== 0.5) return value;
  return (2 * Math.round(scaled / 2)) / 10 ** digits;
}

/**
 * With its sign.
 * @param {number | null | undefined} value
 * @param {number} [digits]
 * @returns {string}
 */
export function signed(value, digits = 2) {
  const text = plain(value, digits);
  return text === "–" || text.startsWith("−") ? text : `+${text}`;
}

/**
 * A whole number, its thousands apart.
 * @param {number} value
 * @returns {string}
 */
export function whole(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * A cost in a unit that suits it: parameters and operations in millions, milliseconds as they are.
 * @param {string} cost
 * @param {number | null} value
 * @returns {string}
 */
export function costText(cost, value) {
  if (value === null || !Number.isFinite(value)) return "–";
  return cost === "latency_ms" ? plain(value, 1) : plain(value / 1e6, value < 1e7 ? 2 : 1);
}

const Z = 1.959963984540054; // the 97.5 % quantile of the normal distribution

/**
 * The 95 % Wilson interval of an accuracy, in percent.
 * @param {number} right
 * @param {number} samples
 * @returns {[number, number]}
 */
export function wilson(right, samples) {
  const share = right / samples;
  const scale = 2 * (samples + Z * Z);
  const centre = (2 * samples * share + Z * Z) / scale;
  const half = (Z / scale) * Math.sqrt(4 * samples * share * (1 - share) + Z * Z);
  return [right === 0 ? 0 : 100 * (centre - half), right === samples ? 100 : 100 * (centre + half)];
}

/**
 * The bounds of the values that are numbers; [0, 1] if there are none.
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} [places] only these places
 * @returns {[number, number]}
 */
export function bounds(values, places) {
  let [low, high] = [Infinity, -Infinity];
  const count = places ? places.length : values.length;
  for (let i = 0; i < count; i++) {
    const value = values[places ? places[i] : i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

/**
 * Round numbers for an axis from `low` to `high`: about `count` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {number[]}
 */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? 10 * power;
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
    found.push(index * step);
  return found;
}

/**
 * How many digits after the point tell the ticks of an axis apart.
 * @param {number[]} values
 * @returns {number}
 */
export function digitsOf(values) {
  const step = values.length > 1 ? values[1] - values[0] : Math.abs(values[0]) || 1;
  return Math.max(0, Math.min(8, Math.ceil(-Math.log10(step) - 1e-9)));
}
