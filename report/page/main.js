// The page comes to life: its tables, and the explorer from the data block.

import { answers } from "./answers.js";
import { unpackAll } from "./block.js";
import { Cloud } from "./cloud.js";
import { markCurrent } from "./contents.js";
import { choice, element, labelled } from "./dom.js";
import { Ensembles } from "./ensembles.js";
import { whole } from "./numbers.js";
import { pairsPart } from "./pairs.js";
import { picker, recommended } from "./picker.js";
import { addressOf, stateOf } from "./state.js";
import { liven } from "./tables.js";

/** @typedef {import("./state.js").State} State */

/** What the parts of the explorer share: the data, what the reader looks at, and who wants to know when it changes. */
export class Explorer {
  /** @param {any} block the unpacked data block */
  constructor(block) {
    this.block = block;
    this.ensembles = new Ensembles(block);
    /** @type {(() => void)[]} */
    this.listeners = [];
    const x = block.measures.length ? block.measures[0].name : "size";
    /** @type {State} */
    this.state = {
      members: [],
      set: 0,
      consensus: block.consensus[0].name,
      x,
      y: "over_mean",
      colour: "size",
      measure: 0,
      pair: [],
    };
    this.state.members = recommended(this);
  }

  /** @param {() => void} listener called now and after every change */
  listen(listener) {
    this.listeners.push(listener);
    listener();
  }

  /** @param {Partial<State>} change */
  update(change) {
    this.state = { ...this.state, ...change };
    history.replaceState(null, "", addressOf(this.state, this.block));
    for (const listener of this.listeners) listener();
  }

  /** Follow the address, if it is one of the explorer. @returns {boolean} whether it is */
  follow() {
    const next = stateOf(location.hash, this.state, this.block);
    if (!next) return false;
    this.state = next;
    for (const listener of this.listeners) listener();
    return true;
  }
}

/** @param {Explorer} explorer @returns {HTMLElement} which set and consensus everything refers to */
function where(explorer) {
  const { block, state } = explorer;
  const sets = block.datasets.map((/** @type {any} */ one, /** @type {number} */ i) => ({
    value: `${i}`,
    title: one.title,
  }));
  const ways = block.consensus.map((/** @type {any} */ one) => ({ value: one.name, title: one.title }));
  const set = choice("explorer-set", sets, `${state.set}`, (value) => explorer.update({ set: Number(value) }));
  const way = choice("explorer-consensus", ways, state.consensus, (value) => explorer.update({ consensus: value }));
  explorer.listen(() => {
    set.value = `${explorer.state.set}`;
    way.value = explorer.state.consensus;
  });
  return element("div", { class: "tools" }, [labelled("Validation set", set), labelled("Decides by", way)]);
}

/** @param {Explorer} explorer @returns {HTMLElement} which ensembles can be asked for */
function scope({ block, ensembles }) {
  const { rows } = block;
  const shown = whole(ensembles.rows().length);
  let text =
    `All ${shown} ensembles of two and more of the ${block.members.length} members are in this page, with their ` +
    "numbers from the tables.";
  if (rows.kind === "listed" && rows.evaluated > rows.sizes.length) {
    text =
      `${whole(rows.evaluated)} ensembles were evaluated. This page has ${shown} of them, equally many of each size ` +
      "(and evenly spread over the table), with their numbers from the tables.";
  } else if (rows.kind === "listed") {
    text =
      `${shown} ensembles of two and more members were evaluated; they are in this page, with their numbers from the ` +
      "tables, and so are those that a search chose. Of any other ensemble, only what follows from its members is shown.";
  }
  const scored = block.ensembles.some((/** @type {any} */ one) => Object.keys(one.nll).length);
  if (!scored && block.consensus.some((/** @type {any} */ way) => way.averages)) {
    text += " NLL and Brier score of ensembles are only in the tables: with them, this file would be too large.";
  }
  text +=
    " Accuracies are those on all samples: an ensemble that is chosen here is chosen on the samples on which it is " +
    "judged, so its accuracy is an optimistic estimate. What deployment recommends was chosen on a part of the " +
    "samples and judged on the others.";
  return element("p", { text });
}

/** @param {Element} place @param {any} block */
async function explore(place, block) {
  const explorer = new Explorer(await unpackAll(block));
  const shared = element("p", {
    class: "note",
    text: "The address of this page names what you look at, so you can send it on.",
  });
  const linked = explorer.follow();
  place.append(
    scope(explorer),
    where(explorer),
    picker(explorer),
    answers(explorer),
    new Cloud(explorer).whole,
    pairsPart(explorer),
    shared,
  );
  addEventListener("hashchange", () => explorer.follow());
  document.documentElement.dataset.explorer = "ready";
  if (linked) place.scrollIntoView();
}

for (const table of document.querySelectorAll("table")) liven(table);
const contents = document.getElementById("contents");
if (contents) markCurrent(contents);
const data = document.getElementById("explorer-data");
const place = document.getElementById("explorer-content");
if (data && place) explore(place, JSON.parse(data.textContent ?? ""));
