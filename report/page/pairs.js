// The pairs of members: a matrix for each measure, and what is known of one pair.

import { tableOf } from "./answers.js";
import { clusteredOrder } from "./clusters.js";
import { choice, element, labelled } from "./dom.js";
import { pairPlace } from "./patterns.js";
import { Gallery } from "./heat.js";
import { bounds, plain } from "./numbers.js";
import { gradient } from "./painter.js";

/** @typedef {import("./main.js").Explorer} Explorer */

const MOST_SAMPLES = 12; // of each pair and direction

/** The matrix and the pair. */
export class Pairs {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    const { block } = explorer;
    /** @type {(Gallery | null)[]} */
    this.galleries = block.pairs.map((/** @type {any} */ one) => (one?.pictures ? new Gallery(one.pictures) : null));
    this.pairShown = "";
    this.shown = ""; // what the matrix shows, so that it is not made anew for every change
    const options = block.measures.map((/** @type {any} */ one, /** @type {number} */ i) => ({
      value: `${i}`,
      title: one.title,
    }));
    this.measure = choice("pair-measure", options, "0", (value) => explorer.update({ measure: Number(value) }));
    this.matrix = element("div", {
      class: "scroll",
      id: "pair-matrix",
      tabindex: -1,
      role: "region",
      "aria-label": "Matrix of pairs",
    });
    this.place = element("p", { class: "note", role: "status" });
    this.pair = element("div", { id: "pair" });
    this.whole = element("div", { class: "part" }, [
      element("h3", { id: "pairs-title", text: "The pairs of members" }),
      element("div", { class: "tools" }, [labelled("Measure", this.measure)]),
      this.place,
      this.matrix,
      this.pair,
    ]);
    explorer.listen(() => this.refresh());
  }

  refresh() {
    const { state, block } = this.explorer;
    this.measure.value = `${state.measure}`;
    const shown = `${state.measure} ${state.set}`;
    if (shown !== this.shown) {
      this.shown = shown;
      const { title } = block.measures[state.measure];
      this.place.textContent =
        `${title} on ${block.datasets[state.set].title}. Members that are alike stand side by side (average linkage). ` +
        "Choose a cell to see its pair; arrow keys move between cells.";
      this.matrix.replaceChildren(this.table());
    }
    for (const button of this.matrix.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.pair === state.pair.join()));
    }
    const key = `${state.set} ${state.pair}`;
    if (key === this.pairShown) return;
    this.pairShown = key;
    this.pair.replaceChildren();
    if (state.pair.length === 2) this.describe(state.pair[0], state.pair[1], key);
  }

  /** @param {number} a @param {number} b @returns {number} as it is shown */
  value(a, b) {
    const { block, state } = this.explorer;
    const { pairs, factor } = block.measures[state.measure];
    return factor * pairs[state.set][pairPlace(a, b, block.members.length)];
  }

  /** @returns {HTMLElement} the matrix, a button in each cell */
  table() {
    const { block, state } = this.explorer;
    const { members } = block;
    const { similarity, factor, title } = block.measures[state.measure];
    const order = clusteredOrder(members.length, (a, b) => (similarity ? -1 : 1) * this.value(a, b));
    const [low, high] = bounds(block.measures[state.measure].pairs[state.set]);
    const digits = factor === 1 ? 2 : 0;
    const head = element("tr", {}, [
      element("td"),
      ...order.map((_, i) => element("th", { scope: "col", text: `${i + 1}` })),
    ]);
    const rows = order.map((a, row) => {
      const cells = order.map((b) => {
        if (a === b) return element("td");
        const value = this.value(a, b);
        const pair = [a, b].sort((x, y) => x - y);
        const colour = Number.isFinite(value)
          ? gradient((value / factor - low) / (high - low || 1))
          : [128, 128, 128];
        const button = element("button", {
          type: "button",
          "data-pair": pair.join(),
          "aria-label": `${members[a]} and ${members[b]}: ${title} ${plain(value, digits)}`,
          text: plain(value, digits),
          onclick: () => this.explorer.update({ pair }),
        });
        button.style.background = `rgb(${colour.join()})`;
        button.style.color = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] > 128 ? "#000" : "#fff";
        return element("td", {}, [button]);
      });
      return element("tr", {}, [element("th", { scope: "row", text: `${row + 1} ${members[a]}` }), ...cells]);
    });
    const table = element("table", { class: "matrix" }, [
      element("caption", { class: "aside", text: title }),
      element("thead", {}, [head]),
      element("tbody", {}, rows),
    ]);
    rove(table);
    return table;
  }

  /**
   * What is known of a pair.
   * @param {number} a
   * @param {number} b
   * @param {string} key what is asked for, so that a late answer to an earlier question is not shown
   */
  async describe(a, b, key) {
    const { block, state, ensembles } = this.explorer;
    const known = block.pairs[state.set];
    const { samples } = block.datasets[state.set];
    const [nameA, nameB] = [block.members[a], block.members[b]];
    const place = pairPlace(a, b, block.members.length);
    const both = known.both_right[place];
    const [onlyA, onlyB] = [known.only_a[place], known.only_b[place]];
    const part = (/** @type {number} */ count) => `${count} (${plain((100 * count) / samples, 1)} %)`;
    const load = element("button", {
      type: "button",
      text: "Choose this pair as the ensemble",
      onclick: () => this.explorer.update({ members: [a, b] }),
    });
    const header = ["", `${nameB} is right`, `${nameB} is wrong`];
    const counts = [
      [`${nameA} is right`, part(both), part(onlyA)],
      [`${nameA} is wrong`, part(onlyB), part(samples - both - onlyA - onlyB)],
    ];
    const values = block.measures.map((/** @type {any} */ one, /** @type {number} */ i) => [
      one.unit ? `${one.title} (${one.unit})` : one.title,
      plain(one.factor * ensembles.diversity([a, b], state.set, i), one.factor === 1 ? 4 : 2),
    ]);
    const parts = [
      element("h4", { text: `${nameA} and ${nameB} on ${block.datasets[state.set].title}` }),
      load,
      element("div", { class: "columns" }, [
        tableOf(`Which of them is right, of ${samples} samples`, header, counts),
        tableOf("How different they are", ["Measure", "Value"], values),
      ]),
      ...this.byClass(known, place),
      ...(await this.telling(known, a, b)),
    ];
    if (key === this.pairShown) this.pair.replaceChildren(...parts);
  }

  /** @param {any} known @param {number} place @returns {HTMLElement[]} */
  byClass(known, place) {
    if (!known.same_by_class) return [];
    const { classes, class_samples: of } = known;
    const rows = classes.map((/** @type {string} */ name, /** @type {number} */ label) => {
      const same = known.same_by_class[place * classes.length + label];
      return [name, plain((100 * same) / of[label], 1), `${of[label]}`];
    });
    const table = tableOf("How often they predict the same class", ["True class", "Agreement (%)", "Samples"], rows);
    return [element("details", {}, [element("summary", { text: "Agreement by class" }), table])];
  }

  /** @param {any} known @param {number} a @param {number} b @returns {Promise<HTMLElement[]>} */
  async telling(known, a, b) {
    const gallery = this.galleries[this.explorer.state.set];
    if (!gallery) return [];
    const { members } = this.explorer.block;
    const right = (/** @type {any} */ sample, /** @type {number} */ member) =>
      sample.predicted[member] === sample.label;
    const parts = [];
    for (const [one, other] of [
      [a, b],
      [b, a],
    ]) {
      const found = [...known.samples.entries()].filter(([, sample]) => right(sample, one) && !right(sample, other));
      const shown = await Promise.all(
        found.slice(0, MOST_SAMPLES).map(([i, sample]) => this.sample(gallery, known, i, sample, [a, b])),
      );
      parts.push(
        element("h4", { text: `${members[one]} is right, ${members[other]} is wrong` }),
        shown.length
          ? element("ul", { class: "samples" }, shown)
          : element("p", { class: "note", text: "None of the samples in this page." }),
      );
    }
    const text =
      `The page has ${known.samples.length} samples of this set, of those with attribution maps where members have ` +
      "them. Each was chosen because it adds most to the pairs of members of which exactly one is right and that had " +
      "fewer than two samples so far; so they are not typical of the set.";
    return [...parts, element("p", { class: "note", text })];
  }

  /**
   * @param {Gallery} gallery
   * @param {any} known
   * @param {number} place
   * @param {any} sample
   * @param {number[]} pair
   * @returns {Promise<HTMLElement>}
   */
  async sample(gallery, known, place, sample, pair) {
    const { members } = this.explorer.block;
    const named = (/** @type {number} */ label) => known.classes[label] ?? `class ${label}`;
    const image = await gallery.image(place, `Sample ${sample.id}, ${named(sample.label)}`);
    const parts = [element("figure", {}, [image, element("figcaption", { text: named(sample.label) })])];
    for (const member of pair) {
      const said = named(sample.predicted[member]);
      const map = await gallery.map(place, member, `Where ${members[member]} looks`);
      parts.push(
        element("figure", {}, [
          map,
          element("figcaption", {}, [element("span", { text: members[member] }), element("span", { text: said })]),
        ]),
      );
    }
    return element("li", {}, [element("p", { class: "soft", text: sample.id }), element("div", {}, parts)]);
  }
}

/**
 * One stop of the Tab key for a whole matrix; arrow keys move inside of it.
 * @param {HTMLTableElement} table
 */
function rove(table) {
  const rows = [...table.tBodies[0].rows].map((row) =>
    [...row.cells].slice(1).map((cell) => cell.querySelector("button")),
  );
  const every = rows.flat().filter((button) => button !== null);
  for (const [i, button] of every.entries()) button.tabIndex = i ? -1 : 0;
  table.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const row = rows.findIndex((buttons) => buttons.includes(/** @type {any} */ (document.activeElement)));
    if (!step || row < 0) return;
    event.preventDefault();
    let [y, x] = [row, rows[row].indexOf(/** @type {any} */ (document.activeElement))];
    do [y, x] = [y + step[0], x + step[1]];
    while (rows[y]?.[x] === null);
    const next = rows[y]?.[x];
    if (!next) return;
    for (const button of every) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });
}

/**
 * The part of the page on pairs, or why there is none.
 * @param {Explorer} explorer
 * @returns {HTMLElement}
 */
export function pairsPart(explorer) {
  const { block } = explorer;
  if (block.measures.length && block.pairs.every((/** @type {any} */ one) => one)) return new Pairs(explorer).whole;
  const text =
    block.members.length > 1
      ? "Pairs are shown here for up to 64 members of which some pair was compared; pairwise/ and member_pairs/ have all."
      : "There is one member, so there are no pairs.";
  return element("div", { class: "part" }, [
    element("h3", { text: "The pairs of members" }),
    element("p", { class: "note", text }),
  ]);
}
