// The cloud: one point for every ensemble. Hover names it, a click loads it, a drawn line keeps what is inside.

import { listed, tableOf } from "./answers.js";
import { axesOf, axisOf } from "./axes.js";
import { choice, element, labelled } from "./dom.js";
import { CloudView, DARK, NEAR } from "./view.js";
import { filterControls, isInside, noLimits, rowsWithin } from "./filters.js";
import { plain, whole } from "./numbers.js";

/** @typedef {import("./main.js").Explorer} Explorer */
/** @typedef {import("./axes.js").Axis} Axis */

const HELP =
  "Point at an ensemble to see its members, click to choose it, and draw a line around some to see only these. With " +
  "the keyboard: arrow keys go from one ensemble to the next, Enter chooses it.";
const MOST_LISTED = 20;
const COST_AXES = ["macs", "latency_ms", "parameters"];

/** The cloud with its controls, its list and its keyboard. */
export class Cloud {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    this.axes = axesOf(explorer.ensembles);
    this.limits = noLimits();
    /** @type {[number, number][]} the line that was drawn, in numbers of the axes */
    this.line = [];
    /** @type {[number, number][] | null} the line that is being drawn, in pixels */
    this.drawing = null;
    this.rows = explorer.ensembles.rows();
    this.at = -1; // the place among the rows of the point that is named
    this.fit = false;
    this.followed = ""; // the part of the state that is shown
    this.xAxis = this.axes[0];
    this.yAxis = this.axes[0];
    /** @type {ArrayLike<number>} */
    this.xValues = [];
    /** @type {ArrayLike<number>} */
    this.yValues = [];
    const { x, y } = explorer.state;
    const options = this.axes.map(({ key, title }) => ({ value: key, title }));
    this.yChoice = choice("cloud-y", options, y, (value) => this.choose({ y: value }));
    this.xChoice = choice("cloud-x", options, x, (value) => this.choose({ x: value }));
    this.colourChoice = colourChoice(explorer);
    this.costAxis = this.axes.find((axis) => COST_AXES.includes(axis.key)) ?? null;
    this.canvas = element("canvas", {
      id: "cloud",
      tabindex: 0,
      role: "application",
      "aria-describedby": "cloud-help",
      "aria-label": "Cloud of ensembles",
    });
    this.view = new CloudView(this.canvas, explorer.ensembles);
    this.tip = element("p", { id: "cloud-tip", role: "status" });
    this.count = element("p", { id: "cloud-count", class: "note" });
    this.legend = element("p", { id: "cloud-legend", class: "note" });
    const forget = () => this.setLine([]);
    this.clear = element("button", { type: "button", id: "cloud-clear", text: "Forget the line", onclick: forget });
    this.best = element("div", { id: "cloud-best" });
    this.whole = this.layout();
    this.listenToPointer();
    this.canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onKey(event));
    explorer.listen(() => this.follow());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia(DARK).addEventListener("change", () => this.draw());
  }

  /** @returns {HTMLElement} everything in its order */
  layout() {
    const fit = element("input", { type: "checkbox", id: "cloud-fit" });
    fit.addEventListener("change", () => {
      this.fit = fit.checked;
      this.draw();
    });
    const filters = filterControls(this.explorer.block.members, this.costAxis?.title ?? "", (limits) => {
      this.limits = limits;
      this.refresh();
    });
    return element("div", { class: "part" }, [
      element("h3", { id: "cloud-title", text: "The cloud of ensembles" }),
      element("div", { class: "tools" }, [
        labelled("Up", this.yChoice),
        labelled("Across", this.xChoice),
        labelled("Colour", this.colourChoice),
        labelled("Fit the axes to what is shown", fit),
        this.clear,
      ]),
      filters,
      this.canvas,
      element("p", { id: "cloud-help", class: "note", text: HELP }),
      this.tip,
      this.legend,
      this.count,
      this.best,
    ]);
  }

  /** @param {{x?: string, y?: string}} change */
  choose(change) {
    this.line = [];
    this.explorer.update(change);
  }

  listenToPointer() {
    const { canvas } = this;
    const place = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      return /** @type {[number, number]} */ ([event.clientX - box.left, event.clientY - box.top]);
    };
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drawing = [place(event)];
    });
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (this.drawing) {
        this.drawing.push(place(event));
        this.draw();
      } else this.name(this.view.nearest(place(event)));
    });
    canvas.addEventListener("pointercancel", () => {
      this.drawing = null;
      this.draw();
    });
    canvas.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => {
      const line = this.drawing ?? [];
      this.drawing = null;
      const [x, y] = place(event);
      const moved = line.some(([left, top]) => Math.hypot(left - x, top - y) > NEAR);
      if (moved && line.length > 2) return this.setLine(line.map((point) => this.view.numbersAt(point)));
      const found = this.view.nearest([x, y]);
      if (found >= 0) this.load(found);
      else this.draw();
    });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = { ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, ArrowUp: 1 }[event.key];
    if (event.key === "Enter" && this.at >= 0) this.load(this.at);
    if (!step || !this.rows.length) return;
    event.preventDefault();
    const values = event.key === "ArrowUp" || event.key === "ArrowDown" ? this.yValues : this.xValues;
    const order = [...this.rows.keys()].filter((i) => Number.isFinite(this.view.xs[i] + this.view.ys[i]));
    order.sort((a, b) => values[this.rows[a]] - values[this.rows[b]] || a - b);
    const now = order.indexOf(this.at);
    this.name(now < 0 ? order[0] : order[Math.min(Math.max(now + step, 0), order.length - 1)]);
  }

  /** @param {number} place among the rows */
  load(place) {
    this.explorer.update({ members: this.explorer.ensembles.membersOf(this.rows[place]) });
  }

  /** @param {[number, number][]} line in numbers of the axes */
  setLine(line) {
    this.line = line;
    this.refresh();
  }

  /** After a change of the state. Another ensemble only moves the ring. */
  follow() {
    const { x, y, set, consensus, colour } = this.explorer.state;
    const key = [x, y, set, consensus, colour].join();
    if (key === this.followed) return this.draw();
    this.followed = key;
    this.refresh();
  }

  /** What is shown, after the state or a filter has changed. */
  refresh() {
    const { explorer, axes } = this;
    const { ensembles, state } = explorer;
    const { set, consensus } = state;
    this.xAxis = axisOf(axes, state.x, axes[0].key);
    this.yAxis = axisOf(axes, state.y, "over_mean");
    this.xChoice.value = this.xAxis.key;
    this.yChoice.value = this.yAxis.key;
    this.colourChoice.value = state.colour;
    this.xValues = this.xAxis.values(set, consensus);
    this.yValues = this.yAxis.values(set, consensus);
    const accuracy = axisOf(axes, "accuracy", "accuracy").values(set, consensus);
    const cost = this.costAxis?.values(set, consensus) ?? null;
    const kept = rowsWithin(ensembles, this.limits, accuracy, cost);
    const [x, y, line] = [this.xValues, this.yValues, this.line];
    this.rows = line.length ? kept.filter((row) => isInside(x[row], y[row], line)) : kept;
    this.at = -1;
    this.tip.textContent = "";
    this.clear.hidden = !line.length;
    this.describe();
    this.draw();
  }

  /** The words and the list below the cloud. */
  describe() {
    const { explorer, yAxis } = this;
    const { block, ensembles, state } = explorer;
    const total = ensembles.rows().length;
    const drawn = this.rows.filter((row) => Number.isFinite(this.xValues[row] + this.yValues[row])).length;
    const unknown = this.rows.length - drawn;
    const place = block.datasets[state.set].title;
    const without = unknown ? ` ${whole(unknown)} have no value on an axis.` : "";
    this.count.textContent = `${whole(drawn)} of ${whole(total)} ensembles are shown, on ${place}.${without}`;
    const member = state.colour.startsWith("member:") ? block.members[Number(state.colour.slice(7))] : "";
    this.legend.textContent = member
      ? `Orange: with ${member}. Blue: without.`
      : "Colour: from dark blue (few members) to green and yellow (many). The ring is the chosen ensemble.";
    const sign = yAxis.key === "nll" || yAxis.key === "brier" ? -1 : 1;
    const known = this.rows.filter((row) => Number.isFinite(this.yValues[row]));
    const order = firstRows(known, (a, b) => {
      return sign * (this.yValues[b] - this.yValues[a]) || ensembles.sizes[a] - ensembles.sizes[b] || a - b;
    });
    const rows = order.map((row) => this.listedRow(row));
    const caption = `The first ${rows.length} of them by ${yAxis.title}`;
    const header = ["Members", "Size", yAxis.title, this.xAxis.title];
    this.best.replaceChildren(...(rows.length ? [tableOf(caption, header, rows)] : []));
  }

  /** @param {number} row @returns {(string | Node)[]} */
  listedRow(row) {
    const { block, ensembles } = this.explorer;
    const members = ensembles.membersOf(row);
    const text = listed(
      members.map((member) => block.members[member]),
      8,
    );
    const load = element("button", {
      type: "button",
      class: "link",
      text,
      onclick: () => this.explorer.update({ members }),
    });
    return [load, `${members.length}`, plain(this.yValues[row], 3), plain(this.xValues[row], 3)];
  }

  /** Draw everything again. */
  draw() {
    const { ensembles, state } = this.explorer;
    this.view.draw({
      rows: this.rows,
      shown: this.fit ? this.rows : ensembles.rows(),
      x: this.xValues,
      y: this.yValues,
      xTitle: this.xAxis.title,
      yTitle: this.yAxis.title,
      colour: state.colour,
      chosen: state.members.length > 1 ? ensembles.rowOf(state.members) : -1,
      at: this.at,
      line: this.drawing ?? [],
    });
  }

  /** Say which ensemble a point is. @param {number} place */
  name(place) {
    if (place === this.at) return;
    this.at = place;
    const { block, ensembles } = this.explorer;
    const row = place < 0 ? -1 : this.rows[place];
    const names = row < 0 ? [] : ensembles.membersOf(row).map((member) => block.members[member]);
    const text = (/** @type {Axis} */ axis, /** @type {ArrayLike<number>} */ values) =>
      `${axis.title} ${plain(values[row], 3)}`;
    const numbers = [text(this.yAxis, this.yValues), text(this.xAxis, this.xValues)];
    this.tip.textContent = row < 0 ? "" : `${listed(names, 20)}: ${numbers.join(", ")}`;
    this.draw();
  }
}

/** @param {Explorer} explorer @returns {HTMLSelectElement} */
function colourChoice(explorer) {
  const members = explorer.block.members.map((/** @type {string} */ name, /** @type {number} */ member) => ({
    value: `member:${member}`,
    title: `with or without ${name}`,
  }));
  const options = [{ value: "size", title: "number of members" }, ...members];
  return choice("cloud-colour", options, explorer.state.colour, (colour) => explorer.update({ colour }));
}

/**
 * The first rows in an order, without sorting all of them.
 * @param {Uint32Array} rows
 * @param {(a: number, b: number) => number} compare
 * @returns {number[]}
 */
function firstRows(rows, compare) {
  /** @type {number[]} */
  const found = [];
  for (const row of rows) {
    if (found.length === MOST_LISTED && compare(row, found[MOST_LISTED - 1]) >= 0) continue;
    let at = found.length;
    while (at && compare(row, found[at - 1]) < 0) at--;
    found.splice(at, 0, row);
    if (found.length > MOST_LISTED) found.pop();
  }
  return found;
}
