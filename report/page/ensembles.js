// What is known of ensembles: exact numbers from the counts in the page. Nothing here touches the page itself.

import { wilson } from "./numbers.js";
import { membersOfPatterns, pairPlace, rowsOfSeveral, sizesOfPatterns, startsOf } from "./patterns.js";

/** @typedef {import("./block.js").Numbers} Numbers */

/** The ensembles of a study, from its unpacked data block. */
export class Ensembles {
  /** @param {any} block */
  constructor(block) {
    this.block = block;
    /** @type {string[]} */
    this.members = block.members;
    this.every = block.rows.kind === "every";
    this.count = this.every ? 2 ** this.members.length : block.rows.sizes.length;
    this.sizes = this.every ? sizesOfPatterns(this.members.length) : block.rows.sizes;
    this.starts = startsOf(this.sizes);
    /** @type {Numbers} the members of one ensemble after the other; those of a row begin at its start */
    this.flat = this.every ? membersOfPatterns(this.members.length) : block.rows.members;
    this.several = rowsOfSeveral(this.sizes);
    /** @type {Map<string, number>} */
    this.places = new Map();
    if (!this.every) for (let row = 0; row < this.count; row++) this.places.set(this.membersOf(row).join(), row);
    /** @type {Map<string, number>} correct answers of ensembles that a search found */
    this.found = new Map();
    for (const { dataset, consensus, found } of block.choices) {
      for (const { members, right } of found) this.found.set(`${dataset} ${consensus} ${members}`, right);
    }
    /** @type {Map<string, Float64Array>} */
    this.columns = new Map();
  }

  /** @returns {Uint32Array} rows of ensembles of two and more members */
  rows() {
    return this.several;
  }

  /** @param {number} row @returns {number[]} */
  membersOf(row) {
    return Array.from(this.flat.subarray(this.starts[row], this.starts[row + 1]));
  }

  /** @param {number} row @param {number} member @returns {boolean} whether it is one of its members */
  has(row, member) {
    if (this.every) return ((row >> member) & 1) === 1;
    return this.flat.subarray(this.starts[row], this.starts[row + 1]).includes(member);
  }

  /**
   * The row of an ensemble; -1 if it was not evaluated.
   * @param {number[]} members ascending positions, two or more
   * @returns {number}
   */
  rowOf(members) {
    if (this.every) return members.reduce((sum, member) => sum + 2 ** member, 0);
    return this.places.get(members.join()) ?? -1;
  }

  /**
   * Correct answers; NaN if they are not in the page.
   * @param {number[]} members
   * @param {number} set
   * @param {string} consensus
   * @returns {number}
   */
  right(members, set, consensus) {
    if (members.length === 1) return this.block.datasets[set].right[members[0]];
    const row = members.length ? this.rowOf(members) : -1;
    if (row >= 0) return this.block.ensembles[set].right[consensus][row];
    return this.found.get(`${this.block.datasets[set].name} ${consensus} ${members}`) ?? NaN;
  }

  /**
   * NLL or Brier score; NaN where it is not known.
   * @param {string} score
   * @param {number[]} members
   * @param {number} set
   * @param {string} consensus
   * @returns {number}
   */
  score(score, members, set, consensus) {
    if (members.length === 1) return this.block.datasets[set][score][members[0]] ?? NaN;
    const values = this.block.ensembles[set][score][consensus];
    const row = members.length ? this.rowOf(members) : -1;
    return row < 0 || !values ? NaN : values[row];
  }

  /**
   * Everything about one ensemble on one set by one consensus, in percent and percentage points.
   * @param {number[]} members
   * @param {number} set
   * @param {string} consensus
   */
  numbers(members, set, consensus) {
    const { samples, right: alone } = this.block.datasets[set];
    const right = this.right(members, set, consensus);
    const each = members.map((member) => alone[member]);
    const total = each.reduce((sum, value) => sum + value, 0);
    const { baseline } = this.block;
    const [low, high] = wilson(right, samples);
    return {
      accuracy: (100 * right) / samples,
      low,
      high,
      mean: (100 * total) / (samples * members.length),
      overMean: (100 * (right * members.length - total)) / (samples * members.length),
      overBest: (100 * (right - Math.max(...each))) / samples,
      overBaseline: baseline === null ? NaN : (100 * (right - alone[baseline])) / samples,
      nll: this.score("nll", members, set, consensus),
      brier: this.score("brier", members, set, consensus),
    };
  }

  /**
   * The mean of a measure over the pairs of an ensemble; NaN for one member, and if a pair has no value.
   * @param {number[]} members
   * @param {number} set
   * @param {number} measure
   * @returns {number}
   */
  diversity(members, set, measure) {
    const { pairs, name } = this.block.measures[measure];
    if (members.length < 2) return NaN;
    if (!pairs) {
      const [row, values] = [this.rowOf(members), this.block.ensembles[set].measures[name]];
      return row < 0 || !values ? NaN : values[row];
    }
    const total = this.members.length;
    let sum = 0;
    for (let i = 0; i < members.length; i++) {
      for (let j = i + 1; j < members.length; j++) sum += pairs[set][pairPlace(members[i], members[j], total)];
    }
    return (2 * sum) / (members.length * (members.length - 1));
  }

  /**
   * The three diversities of a whole ensemble, from which members are correct (docs/measures.md); NaN where what they
   * follow from is not in the page, and for one member.
   * @param {number[]} members
   * @param {number} set
   * @returns {{kw: number, generalised: number, coincident: number}}
   */
  ofTheWhole(members, set) {
    const { samples, right } = this.block.datasets[set];
    const [size, known] = [members.length, this.block.pairs[set]];
    if (size < 2) return { kw: NaN, generalised: NaN, coincident: NaN };
    const total = members.reduce((sum, member) => sum + right[member], 0);
    const errors = size * samples - total;
    let both = known ? total : NaN; // ordered pairs, with a member and itself
    for (let i = 0; i < size && known; i++) {
      for (let j = i + 1; j < size; j++)
        both += 2 * known.both_right[pairPlace(members[i], members[j], this.members.length)];
    }
    const wrong = size * size * samples - 2 * size * total + both - errors;
    const row = this.rowOf(members);
    const all = row < 0 ? NaN : (this.block.ensembles[set].all_right?.[row] ?? NaN);
    const failed = samples - all;
    return {
      kw: (size * total - both) / (samples * size * size),
      generalised: errors ? 1 - wrong / ((size - 1) * errors) : NaN,
      coincident: failed === 0 ? 0 : (size * failed - errors) / ((size - 1) * failed),
    };
  }

  /**
   * The sum of a cost over the members; NaN if it is not known for one.
   * @param {number[]} members
   * @param {string} cost
   * @returns {number}
   */
  cost(members, cost) {
    return members.reduce((sum, member) => sum + (this.block.costs[cost][member] ?? NaN), 0);
  }

  /**
   * What one more or one fewer member changes, the largest gain first.
   * @param {number[]} members
   * @param {number} set
   * @param {string} consensus
   * @param {"add" | "drop"} what
   * @returns {{member: number, members: number[], accuracy: number, change: number}[]}
   */
  neighbours(members, set, consensus, what) {
    const { samples } = this.block.datasets[set];
    const now = this.right(members, set, consensus);
    const all = this.members.map((_, member) => member);
    const candidates = what === "drop" ? members : all.filter((member) => !members.includes(member));
    const found = candidates.map((member) => {
      const rest = members.filter((other) => other !== member);
      const next = what === "drop" ? rest : [...members, member].sort((a, b) => a - b);
      const right = this.right(next, set, consensus);
      return { member, members: next, accuracy: (100 * right) / samples, change: (100 * (right - now)) / samples };
    });
    const known = found.filter((row) => Number.isFinite(row.accuracy));
    return known.sort((a, b) => b.accuracy - a.accuracy || a.member - b.member);
  }

  /**
   * A number for every row, remembered.
   * @param {string} key
   * @param {(row: number, from: number, to: number) => number} value of a row, whose members are in `flat` at `from` and
   *   before `to`
   * @returns {Float64Array}
   */
  column(key, value) {
    let values = this.columns.get(key);
    if (!values) {
      values = new Float64Array(this.count).fill(NaN);
      for (const row of this.several) values[row] = value(row, this.starts[row], this.starts[row + 1]);
      this.columns.set(key, values);
    }
    return values;
  }

  /**
   * The sum over the members of every row, and the largest of them.
   * @param {string} key
   * @param {ArrayLike<number>} alone a number for each member
   * @returns {{sum: Float64Array, largest: Float64Array}}
   */
  overMembers(key, alone) {
    const { flat } = this;
    const sum = this.column(`sum ${key}`, (_, from, to) => {
      let found = 0;
      for (let i = from; i < to; i++) found += alone[flat[i]];
      return found;
    });
    const largest = this.column(`largest ${key}`, (_, from, to) => {
      let found = -Infinity;
      for (let i = from; i < to; i++) found = Math.max(found, alone[flat[i]]);
      return found;
    });
    return { sum, largest };
  }

  /**
   * The mean of a measure over the pairs of every row.
   * @param {number} set
   * @param {number} measure
   * @returns {Float64Array}
   */
  diversities(set, measure) {
    const { pairs, name } = this.block.measures[measure];
    const { flat } = this;
    const [values, total] = [pairs?.[set], this.members.length];
    if (!values) {
      const stored = this.block.ensembles[set].measures[name];
      return this.column(`${name} ${set}`, (row) => stored?.[row] ?? NaN);
    }
    return this.column(`${name} ${set}`, (_, from, to) => {
      let sum = 0;
      for (let i = from; i < to; i++) {
        const offset = flat[i] * total - (flat[i] * (flat[i] + 1)) / 2 - flat[i] - 1;
        for (let j = i + 1; j < to; j++) sum += values[offset + flat[j]];
      }
      return (2 * sum) / ((to - from) * (to - from - 1));
    });
  }
}

/**
 * The best ensemble of a size by its correct answers, of those that the page knows; of equal ones, the first.
 * @param {Ensembles} ensembles
 * @param {number} size
 * @param {number} set
 * @param {string} consensus
 * @returns {number[]} its members; empty if there is none
 */
export function bestOfSize(ensembles, size, set, consensus) {
  if (size === 1) {
    const { right } = ensembles.block.datasets[set];
    return [right.indexOf(Math.max(...right))];
  }
  const right = ensembles.block.ensembles[set].right[consensus];
  let best = -1;
  for (let row = 0; row < ensembles.count; row++) {
    if (ensembles.sizes[row] === size && (best < 0 || right[row] > right[best])) best = row;
  }
  let members = best < 0 ? [] : ensembles.membersOf(best);
  let most = best < 0 ? -1 : right[best];
  // A page with a sample of the ensembles also has the best of each size, which were looked for among all of them.
  const { name } = ensembles.block.datasets[set];
  for (const choice of ensembles.block.choices) {
    if (choice.dataset !== name || choice.consensus !== consensus) continue;
    for (const found of choice.found)
      if (found.members.length === size && found.right > most) [members, most] = [found.members, found.right];
  }
  return members;
}
