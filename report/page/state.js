// What a reader looks at, as a part of the address: #members=a,b&set=fog. It can be sent to a colleague.

/**
 * @typedef {{members: number[], set: number, consensus: string, x: string, y: string, colour: string, measure: number,
 *   pair: number[]}} State
 */

/**
 * The part of the address behind #.
 * @param {State} state
 * @param {any} block
 * @returns {string}
 */
export function addressOf(state, block) {
  const name = (/** @type {number} */ member) => encodeURIComponent(block.members[member]).replace(/%20/g, "+");
  const parts = [
    ["members", state.members.map(name).join(",")],
    ["set", encodeURIComponent(block.datasets[state.set].name)],
    ["consensus", encodeURIComponent(state.consensus)],
    ["x", state.x],
    ["y", state.y],
    ["colour", state.colour],
  ];
  if (block.measures.length) parts.push(["measure", block.measures[state.measure].name]);
  if (state.pair.length) parts.push(["pair", state.pair.map(name).join(",")]);
  return `#${parts.map(([key, value]) => `${key}=${value}`).join("&")}`;
}

/**
 * The state that an address asks for; what it does not name, or names wrongly, stays as in `state`.
 * @param {string} address
 * @param {State} state
 * @param {any} block
 * @returns {State | null} null for an address that is not one of the explorer
 */
export function stateOf(address, state, block) {
  if (!/^#(members|set|consensus|pair|x|y)=/.test(address)) return null;
  const given = new Map(
    address
      .slice(1)
      .split("&")
      .map((part) => {
        const at = part.indexOf("=");
        return /** @type {[string, string]} */ ([part.slice(0, Math.max(at, 0)), part.slice(at + 1)]);
      }),
  );
  const positions = (/** @type {string} */ text) => {
    const found = text.split(",").map((part) => block.members.indexOf(decoded(part)));
    return [...new Set(found.filter((member) => member >= 0))].sort((a, b) => a - b);
  };
  const next = { ...state };
  if (given.has("members")) next.members = positions(given.get("members") ?? "");
  const set = block.datasets.findIndex((/** @type {any} */ one) => one.name === decoded(given.get("set") ?? ""));
  if (set >= 0) next.set = set;
  const way = decoded(given.get("consensus") ?? "");
  if (block.consensus.some((/** @type {any} */ one) => one.name === way)) next.consensus = way;
  const colour = given.get("colour") ?? "";
  const member = /^member:(\d+)$/.exec(colour);
  if (colour === "size" || (member && Number(member[1]) < block.members.length)) next.colour = colour;
  for (const key of /** @type {("x" | "y")[]} */ (["x", "y"])) {
    next[key] = given.get(key) ?? next[key];
  }
  const measure = block.measures.findIndex((/** @type {any} */ one) => one.name === given.get("measure"));
  if (measure >= 0) next.measure = measure;
  const pair = positions(given.get("pair") ?? "");
  next.pair = pair.length === 2 ? pair : [];
  return next;
}

/** @param {string} text @returns {string} the text; as it is if it is not a valid encoding */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, "%20"));
  } catch {
    return text;
  }
}
