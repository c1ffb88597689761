// The order of members in a matrix: those that are alike come together.

/**
 * Average linkage: the two groups that are nearest in the mean become one, until there is one; its order is returned.
 * @param {number} count
 * @param {(a: number, b: number) => number} distance what is not a number counts as far
 * @returns {number[]} positions
 */
export function clusteredOrder(count, distance) {
  let groups = Array.from({ length: count }, (_, member) => [member]);
  const apart = (/** @type {number[]} */ one, /** @type {number[]} */ other) => {
    let sum = 0;
    for (const a of one) {
      for (const b of other) {
        const value = distance(a, b);
        sum += Number.isFinite(value) ? value : 1e9;
      }
    }
    return sum / (one.length * other.length);
  };
  const table = groups.map((one, a) => groups.map((other, b) => (a < b ? apart(one, other) : Infinity)));
  while (groups.length > 1) {
    let [left, right] = [0, 1];
    for (let a = 0; a < groups.length; a++) {
      for (let b = a + 1; b < groups.length; b++) if (table[a][b] < table[left][right]) [left, right] = [a, b];
    }
    const [one, other] = [groups[left], groups[right]];
    const size = [one.length, other.length];
    const far = (/** @type {number} */ a, /** @type {number} */ b) => (a < b ? table[a][b] : table[b][a]);
    for (let c = 0; c < groups.length; c++) {
      if (c === left || c === right) continue;
      const mean = (size[0] * far(left, c) + size[1] * far(right, c)) / (size[0] + size[1]);
      if (left < c) table[left][c] = mean;
      else table[c][left] = mean;
    }
    groups[left] = [...one, ...other];
    groups.splice(right, 1);
    table.splice(right, 1);
    for (const row of table) row.splice(right, 1);
  }
  return groups[0] ?? [];
}
