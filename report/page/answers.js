// The numbers of the chosen ensemble on every validation set, and what one more or one fewer member would change.

import { element } from "./dom.js";
import { costText, plain, signed } from "./numbers.js";
import { liven } from "./tables.js";

/** @typedef {import("./main.js").Explorer} Explorer */

const COSTS = { macs: "MACs (M)", latency_ms: "Latency (ms)", parameters: "Parameters (M)" };
const OF_THE_WHOLE = {
  kw: "Kohavi-Wolpert variance",
  generalised: "Generalised diversity",
  coincident: "Coincident failure diversity",
};
const MOST_NEIGHBOURS = 50;

/**
 * A table that can be sorted and downloaded.
 * @param {string} caption
 * @param {string[]} header
 * @param {(string | Node)[][]} rows
 * @param {number} textColumns how many of the first columns are text
 * @returns {HTMLElement}
 */
export function tableOf(caption, header, rows, textColumns = 1) {
  const kind = (/** @type {number} */ column) => (column >= textColumns ? { class: "number" } : { class: "long" });
  const head = element(
    "tr",
    {},
    header.map((text, i) => element("th", { scope: "col", ...kind(i), text })),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      row.map((cell, i) => element(i ? "td" : "th", i ? kind(i) : { scope: "row", class: "long" }, [cell])),
    ),
  );
  const table = element("table", {}, [
    element("caption", { text: caption }),
    element("thead", {}, [head]),
    element("tbody", {}, body),
  ]);
  const frame = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, [table]);
  const whole = element("div", {}, [frame]);
  liven(table);
  return whole;
}

/**
 * The names of members, and how many more there are.
 * @param {string[]} names
 * @param {number} most
 * @returns {string}
 */
export function listed(names, most = 6) {
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}

/**
 * The part of the page with the numbers of the chosen ensemble.
 * @param {Explorer} explorer
 * @returns {HTMLElement}
 */
export function answers(explorer) {
  const summary = element("p", { id: "explorer-summary", role: "status" });
  const tables = element("div", { id: "explorer-answers" });
  const neighbours = element("div", { class: "columns" });
  explorer.listen(() => {
    const { members, set, consensus } = explorer.state;
    summary.textContent = summaryOf(explorer);
    const shown = members.length ? [accuracies(explorer), ...diversities(explorer)] : [];
    tables.replaceChildren(...shown);
    const { title } = explorer.block.datasets[set];
    const lists = members.length ? /** @type {("add" | "drop")[]} */ (["add", "drop"]) : [];
    neighbours.replaceChildren(...lists.map((what) => neighbourTable(explorer, what, title, consensus)));
  });
  return element("div", { class: "part" }, [summary, tables, neighbours]);
}

/** @param {Explorer} explorer @returns {string} */
function summaryOf({ block, ensembles, state }) {
  const { members, set, consensus } = state;
  if (!members.length) return "No member is chosen. Choose members above, or a point of the cloud below.";
  const names = listed(
    members.map((member) => block.members[member]),
    12,
  );
  const who = members.length === 1 ? `${names} alone` : `${members.length} members: ${names}`;
  const numbers = ensembles.numbers(members, set, consensus);
  if (!Number.isFinite(numbers.accuracy)) {
    const why = "This ensemble was not evaluated, or is not among those in this page";
    return `${who}. ${why}: only what follows from its members is shown.`;
  }
  const place = block.datasets[set].title;
  const lead = `${signed(numbers.overBest, 2)} percentage points over the best of its members`;
  return `${who}. On ${place}: ${plain(numbers.accuracy, 2)}\u00a0%, ${lead}.`;
}

/** @param {Explorer} explorer */
function accuracies({ block, ensembles, state }) {
  const header = [
    "Validation set",
    "Decides by",
    "Accuracy (%)",
    "95 % interval",
    "Mean member (%)",
    "Over mean",
    "Over best",
  ];
  const withBaseline = block.baseline !== null;
  const scored = block.consensus.some((/** @type {any} */ way) => way.averages);
  header.push(...(withBaseline ? ["Over baseline"] : []), ...(scored ? ["NLL (nats)", "Brier score"] : []));
  const rows = [];
  for (const [set, dataset] of block.datasets.entries()) {
    for (const way of block.consensus) {
      const found = ensembles.numbers(state.members, set, way.name);
      const interval = Number.isFinite(found.accuracy) ? `${plain(found.low, 2)}–${plain(found.high, 2)}` : "–";
      const row = [dataset.title, way.title, plain(found.accuracy, 2), interval, plain(found.mean, 2)];
      row.push(signed(found.overMean, 2), signed(found.overBest, 2));
      if (withBaseline) row.push(signed(found.overBaseline, 2));
      if (scored) row.push(plain(found.nll, 4), plain(found.brier, 4));
      rows.push(row);
    }
  }
  return tableOf("This ensemble on every validation set (differences in percentage points)", header, rows, 2);
}

/** @param {Explorer} explorer @returns {HTMLElement[]} */
function diversities({ block, ensembles, state }) {
  const { members } = state;
  const shown = [];
  const sets = block.datasets.map((/** @type {any} */ dataset) => dataset.title);
  if (members.length > 1 && block.measures.length) {
    const rows = block.measures.map((/** @type {any} */ measure, /** @type {number} */ i) => [
      measure.unit ? `${measure.title} (${measure.unit})` : measure.title,
      ...sets.map((/** @type {string} */ _, /** @type {number} */ set) =>
        plain(measure.factor * ensembles.diversity(members, set, i), measure.factor === 1 ? 4 : 2),
      ),
    ]);
    shown.push(tableOf("Mean over the pairs of its members", ["Measure", ...sets], rows));
  }
  const of = block.datasets.map((/** @type {any} */ _, /** @type {number} */ set) =>
    ensembles.ofTheWhole(members, set),
  );
  const rows = Object.entries(OF_THE_WHOLE).map(([key, title]) => [
    title,
    ...of.map((/** @type {any} */ one) => plain(one[key], 4)),
  ]);
  const known = rows.filter(([, ...cells]) => cells.some((cell) => cell !== "–"));
  if (known.length)
    shown.push(tableOf("Diversity of the whole ensemble, from which members are right", ["Measure", ...sets], known));
  const costs = Object.keys(block.costs).filter((cost) => Number.isFinite(ensembles.cost(members, cost)));
  if (costs.length) {
    const names = costs.map((cost) => COSTS[/** @type {"macs"} */ (cost)]);
    const row = costs.map((cost) => costText(cost, ensembles.cost(members, cost)));
    shown.push(
      tableOf("Cost of one image, summed over its members", ["Ensemble", ...names], [["This ensemble", ...row]]),
    );
  }
  return shown;
}

/**
 * @param {Explorer} explorer
 * @param {"add" | "drop"} what
 * @param {string} place
 * @param {string} consensus
 */
function neighbourTable(explorer, what, place, consensus) {
  const { block, ensembles, state } = explorer;
  const found = ensembles.neighbours(state.members, state.set, consensus, what);
  const rows = found.slice(0, MOST_NEIGHBOURS).map((row) => [
    element("button", {
      type: "button",
      class: "link",
      text: block.members[row.member],
      "aria-label": `${what === "add" ? "Add" : "Drop"} ${block.members[row.member]}`,
      onclick: () => explorer.update({ members: row.members }),
    }),
    plain(row.accuracy, 2),
    signed(row.change, 2),
  ]);
  const caption = `${what === "add" ? "Add" : "Drop"} one member, on ${place}`;
  if (!rows.length) {
    return element("p", { class: "note", text: `${caption}: none of these ensembles is in this page.` });
  }
  return tableOf(caption, ["Member", "Accuracy (%)", "Change (points)"], rows);
}
