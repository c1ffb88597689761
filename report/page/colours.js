// Ramps of colours. Nothing here touches the page itself.

/**
 * The colour at a share from 0 to 1 of the way along some stops, red, green and blue from 0 to 255.
 * @param {number[][]} stops
 * @param {number} share
 * @returns {number[]}
 */
export function along(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const first = Math.min(Math.floor(place), stops.length - 2);
  return stops[first].map((value, i) => Math.round(value + (stops[first + 1][i] - value) * (place - first)));
}
