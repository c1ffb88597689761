// The cloud: every ensemble as a point, or very many as a density. Hover names one, a click loads it, a drag keeps what
// is inside of a line, zooms or moves; see gestures.js.

import { listed } from "./answers.js";
import { axesOf, axisOf } from "./axes.js";
import { button, colourChoice, DRAGS, HELP } from "./cloudcontrols.js";
import { countText, firstEnsembles, meaningOfColours } from "./cloudlist.js";
import { paintScale } from "./density.js";
import { choice, element, labelled } from "./dom.js";
import { filterControls, isInside, noLimits, rowsWithin } from "./filters.js";
import { listenToPointer, NEAR } from "./gestures.js";
import { plain, whole } from "./numbers.js";
import { CloudView, DARK } from "./view.js";
import { between, moved, nextRow, zoomed } from "./window.js";

/** @typedef {import("./main.js").Explorer} Explorer */
/** @typedef {import("./axes.js").Axis} Axis */
/** @typedef {import("./window.js").Window} Window */
/** @typedef {[number, number]} Pair */

const COST_AXES = ["macs", "latency_ms", "parameters"];
const STEP = 1 / 2; // of the width of the window, for one step of zooming in

/** The cloud with its controls, its list and its keyboard. */
export class Cloud {
  /** @param {Explorer} explorer */
  constructor(explorer) {
    this.explorer = explorer;
    this.axes = axesOf(explorer.ensembles);
    this.limits = noLimits();
    /** @type {Pair[]} the line that was drawn, in numbers of the axes */
    this.line = [];
    /** @type {Pair[]} the line that is being drawn, in pixels */
    this.drawing = [];
    /** @type {Window | null} the part of the axes that is shown; null for all */
    this.window = null;
    this.rows = explorer.ensembles.rows();
    this.at = -1; // the row of the point that is named
    this.fit = false;
    this.followed = ["", ""]; // the parts of the state that are shown: axes and set, and the rest
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
    this.dragChoice = choice("cloud-drag", DRAGS, "line", () => {});
    this.costAxis = this.axes.find((axis) => COST_AXES.includes(axis.key)) ?? null;
    this.canvas = element("canvas", {
      id: "cloud",
      tabindex: 0,
      role: "application",
      "aria-describedby": "cloud-help",
      "aria-label": "Cloud of ensembles",
    });
    this.view = new CloudView(this.canvas, explorer.ensembles);
    this.scale = element("canvas", { id: "cloud-scale", role: "img", "aria-label": "" });
    this.tip = element("p", { id: "cloud-tip", role: "status" });
    this.count = element("p", { id: "cloud-count", class: "note" });
    this.legend = element("p", { id: "cloud-legend", class: "note" });
    this.clear = button("cloud-clear", "Forget the line", () => this.setLine([]));
    this.all = button("cloud-all", "Show all", () => this.setWindow(null));
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
      this.setWindow(null);
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
        labelled("Fit the axes to what is within the limits", fit),
      ]),
      filters,
      element("div", { class: "tools" }, [
        labelled("A drag", this.dragChoice),
        button("cloud-in", "Zoom in", () => this.zoom(STEP)),
        button("cloud-out", "Zoom out", () => this.zoom(1 / STEP)),
        this.all,
        this.clear,
      ]),
      this.canvas,
      this.tip,
      this.scale,
      this.legend,
      this.count,
      element("p", { id: "cloud-help", class: "note", text: HELP }),
      this.best,
    ]);
  }

  /** @param {{x?: string, y?: string}} change */
  choose(change) {
    this.line = [];
    this.explorer.update(change);
  }

  listenToPointer() {
    const { view } = this;
    listenToPointer(this.canvas, {
      drag: () => this.dragChoice.value,
      point: (at) => this.point(at),
      click: (at) => this.click(at),
      sketch: (line) => {
        this.drawing = line;
        this.draw();
      },
      line: (line) => this.setLine(line.map((at) => view.numbersAt(at))),
      rectangle: (from, to) => {
        const [one, other] = [view.numbersAt(from), view.numbersAt(to)];
        const wide = (/** @type {0 | 1} */ side) => Math.abs(from[side] - to[side]) > NEAR;
        this.setWindow({
          x: wide(0) ? between(one[0], other[0], view.whole.x) : view.window.x,
          y: wide(1) ? between(one[1], other[1], view.whole.y) : view.window.y,
        });
      },
      move: ([x, y]) => {
        const { left, right, top, bottom } = view.frame();
        this.move(-x / (right - left), y / (bottom - top));
      },
      zoom: (factor, at) => this.zoom(factor, view.numbersAt(at)),
    });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = { ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, ArrowUp: 1 }[event.key];
    const factor = { "+": STEP, "=": STEP, "-": 1 / STEP, "−": 1 / STEP }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    if (event.key === "Enter" && this.at >= 0) this.load(this.at);
    if (factor) this.zoom(factor, this.at >= 0 ? [this.xValues[this.at], this.yValues[this.at]] : undefined);
    if (event.key === "0") this.setWindow(null);
    if (factor || step || event.key === "0") event.preventDefault();
    if (!step) return;
    const upwards = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (event.shiftKey) this.move(upwards ? 0 : step / 4, upwards ? step / 4 : 0);
    else this.name(nextRow(this.view.rows, upwards ? this.yValues : this.xValues, this.at, step));
  }

  /** @param {number} factor of the width @param {Pair} [centre] what stays where it is */
  zoom(factor, centre) {
    const { window, whole: all } = this.view;
    const [x, y] = centre ?? [(window.x[0] + window.x[1]) / 2, (window.y[0] + window.y[1]) / 2];
    this.setWindow({ x: zoomed(window.x, all.x, factor, x), y: zoomed(window.y, all.y, factor, y) });
  }

  /** @param {number} across @param {number} upwards shares of the window */
  move(across, upwards) {
    const { window, whole: all } = this.view;
    this.setWindow({ x: moved(window.x, all.x, across), y: moved(window.y, all.y, upwards) });
  }

  /** @param {Window | null} window */
  setWindow(window) {
    const all = this.view.whole;
    const same = (/** @type {"x" | "y"} */ axis) => window?.[axis].every((end, i) => end === all[axis][i]);
    this.window = same("x") && same("y") ? null : window;
    this.draw();
    this.describe();
  }

  /** @param {Pair} pixels */
  point(pixels) {
    const count = this.view.countAt(pixels);
    if (count < 0 || count === 1) return this.name(this.view.nearest(pixels));
    this.name(-1);
    if (count) this.tip.textContent = `${whole(count)} ensembles are here. A click zooms in.`;
  }

  /** @param {Pair} pixels */
  click(pixels) {
    const count = this.view.countAt(pixels);
    const found = count > 1 ? -1 : this.view.nearest(pixels);
    if (count > 1) this.zoom(STEP, this.view.numbersAt(pixels));
    else if (found >= 0) this.load(found);
  }

  /** @param {number} row */
  load(row) {
    this.explorer.update({ members: this.explorer.ensembles.membersOf(row) });
  }

  /** @param {Pair[]} line in numbers of the axes */
  setLine(line) {
    this.line = line;
    this.refresh();
  }

  /** After a change of the state. Another ensemble only moves the ring; other axes or another set are shown whole. */
  follow() {
    const { x, y, set, consensus, colour } = this.explorer.state;
    const [axes, rest] = [[x, y, set].join(), [consensus, colour].join()];
    if (axes === this.followed[0] && rest === this.followed[1]) return this.draw();
    if (axes !== this.followed[0]) this.window = null;
    this.followed = [axes, rest];
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
    this.draw();
    this.describe();
  }

  /** The words and the list below the cloud, of what was drawn. */
  describe() {
    const { explorer, view } = this;
    const { block, ensembles, state } = explorer;
    const y = { axis: this.yAxis, values: this.yValues };
    const x = { axis: this.xAxis, values: this.xValues };
    const total = ensembles.rows().length;
    this.count.textContent = countText(view.rows.length, this.rows, y, x, total, block.datasets[state.set].title);
    this.legend.textContent = meaningOfColours(view.grid !== null, state.colour, block.members);
    this.all.disabled = !this.window;
    this.best.replaceChildren(...firstEnsembles(explorer, view.rows, y, x));
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
      window: this.window,
      colour: state.colour,
      chosen: state.members.length > 1 ? ensembles.rowOf(state.members) : -1,
      at: this.at,
      line: this.drawing,
    });
    const { grid } = this.view;
    this.scale.hidden = !grid;
    const text = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
    if (grid) paintScale(this.scale, grid.most, matchMedia(DARK).matches, text);
  }

  /** Say which ensemble a point is. @param {number} row */
  name(row) {
    if (row < 0) this.tip.textContent = "";
    if (row === this.at) return;
    this.at = row;
    const { block, ensembles } = this.explorer;
    const names = row < 0 ? [] : ensembles.membersOf(row).map((member) => block.members[member]);
    const text = (/** @type {Axis} */ axis, /** @type {ArrayLike<number>} */ values) =>
      `${axis.title} ${plain(values[row], 3)}`;
    const numbers = [text(this.yAxis, this.yValues), text(this.xAxis, this.xValues)];
    this.tip.textContent = row < 0 ? "" : `${listed(names, 20)}: ${numbers.join(", ")}`;
    this.draw();
  }
}
