// The cloud: one point for every ensemble. Hover names it, a click loads it, a drawn line keeps what is inside.

import { listed, tableOf } from "./answers.js";
import { axesOf, axisOf } from "./axes.js";
import { choice, element, labelled } from "./dom.js";
import { filterControls, isInside, noLimits, rowsWithin } from "./filters.js";
import { plain, whole } from "./numbers.js";
import { colouring, MARGIN, paintFrame, paintPoints, roomy, scaleOf } from "./painter.js";

/** @typedef {import("./main.js").Explorer} Explorer */
/** @typedef {import("./axes.js").Axis} Axis */

const NEAR = 12; // pixels from a point at which the pointer still means it
const MOST_LISTED = 20;
const HEIGHT = 420;
const DARK = "(prefers-color-scheme: dark)";

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
    /** @type {Float64Array} */
    this.xs = new Float64Array();
    /** @type {Float64Array} */
    this.ys = new Float64Array();
    this.at = -1; // the place among the rows of the point that is named
    this.fit = false;
    this.build();
    explorer.listen(() => this.refresh());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia(DARK).addEventListener("change", () => this.draw());
  }

  build() {
    const { explorer, axes } = this;
    const options = axes.map(({ key, title }) => ({ value: key, title }));
    const { x, y } = explorer.state;
    this.yChoice = choice("cloud-y", options, y, (value) => this.choose({ y: value }));
    this.xChoice = choice("cloud-x", options, x, (value) => this.choose({ x: value }));
    const members = explorer.block.members.map((/** @type {string} */ name, /** @type {number} */ member) => ({
      value: `member:${member}`,
      title: `with or without ${name}`,
    }));
    this.colourChoice = choice("cloud-colour", [{ value: "size", title: "number of members" }, ...members],
      explorer.state.colour, (value) => explorer.update({ colour: value }));
    const fit = element("input", { type: "checkbox", id: "cloud-fit" });
    fit.addEventListener("change", () => {
      this.fit = fit.checked;
      this.draw();
    });
    this.canvas = element("canvas", { id: "cloud", tabindex: 0, role: "application", "aria-describedby": "cloud-help",
      "aria-label": "Cloud of ensembles" });
    this.tip = element("p", { id: "cloud-tip", role: "status" });
    this.count = element("p", { id: "cloud-count", class: "note" });
    this.legend = element("p", { id: "cloud-legend", class: "note" });
    this.clear = element("button", { type: "button", id: "cloud-clear", text: "Forget the line", onclick: () => this.setLine([]) });
    this.best = element("div", { id: "cloud-best" });
    const cost = axes.find((axis) => axis.key === "macs" || axis.key === "latency_ms" || axis.key === "parameters");
    this.costAxis = cost ?? null;
    const filters = filterControls(explorer.block.members, cost?.title ?? "", (limits) => {
      this.limits = limits;
      this.refresh();
    });
    this.whole = element("div", { class: "part" }, [
      element("h3", { id: "cloud-title", text: "The cloud of ensembles" }),
      element("div", { class: "tools" }, [
        labelled("Up", this.yChoice), labelled("Across", this.xChoice), labelled("Colour", this.colourChoice),
        labelled("Fit the axes to what is shown", fit), this.clear,
      ]),
      filters,
      this.canvas,
      element("p", { id: "cloud-help", class: "note", text: "Point at an ensemble to see its members, click to choose it, and draw a line around some to see only these. With the keyboard: arrow keys go from one ensemble to the next, Enter chooses it." }),
      this.tip,
      this.legend,
      this.count,
      this.best,
    ]);
    this.listenToPointer();
    this.canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.onKey(event));
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
      } else this.name(this.nearest(place(event)));
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
      if (moved && line.length > 2) return this.setLine(line.map((point) => this.numbersAt(point)));
      const found = this.nearest([x, y]);
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
    const order = [...this.rows.keys()].filter((i) => Number.isFinite(this.xs[i] + this.ys[i]));
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
    this.count.textContent = `${whole(drawn)} of ${whole(total)} ensembles are shown, on ${block.datasets[state.set].title}.${unknown ? ` ${whole(unknown)} have no value on an axis.` : ""}`;
    const member = state.colour.startsWith("member:") ? block.members[Number(state.colour.slice(7))] : "";
    this.legend.textContent = member
      ? `Orange: with ${member}. Blue: without.`
      : "Colour: from dark blue (few members) to green and yellow (many). The ring is the chosen ensemble.";
    const sign = yAxis.key === "nll" || yAxis.key === "brier" ? -1 : 1;
    const order = [...this.rows].filter((row) => Number.isFinite(this.yValues[row]));
    order.sort((a, b) => sign * (this.yValues[b] - this.yValues[a]) || ensembles.sizes[a] - ensembles.sizes[b] || a - b);
    const rows = order.slice(0, MOST_LISTED).map((row) => this.listedRow(row));
    const caption = `The first ${rows.length} of them by ${yAxis.title}`;
    const header = ["Members", "Size", yAxis.title, this.xAxis.title];
    this.best.replaceChildren(...(rows.length ? [tableOf(caption, header, rows)] : []));
  }

  /** @param {number} row @returns {(string | Node)[]} */
  listedRow(row) {
    const { block, ensembles } = this.explorer;
    const members = ensembles.membersOf(row);
    const text = listed(members.map((member) => block.members[member]), 8);
    const load = element("button", { type: "button", class: "link", text, onclick: () => this.explorer.update({ members }) });
    return [load, `${members.length}`, plain(this.yValues[row], 3), plain(this.xValues[row], 3)];
  }

  /** Draw everything again. */
  draw() {
    if (!this.xAxis || !this.yAxis) return;
    const { canvas, explorer } = this;
    const width = canvas.clientWidth || 600;
    const density = devicePixelRatio || 1;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(HEIGHT * density);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    context.scale(density, density);
    const shown = this.fit ? this.rows : explorer.ensembles.rows();
    const frame = { width, height: HEIGHT, x: roomy(this.xValues, shown), y: roomy(this.yValues, shown),
      xTitle: this.xAxis.title, yTitle: this.yAxis.title, text: colour("--soft"), line: colour("--line") };
    paintFrame(context, frame);
    this.across = scaleOf(frame.x, [MARGIN.left, width - MARGIN.right]);
    this.upwards = scaleOf(frame.y, [HEIGHT - MARGIN.bottom, MARGIN.top]);
    this.ranges = frame;
    this.place();
    this.paint(context, density);
    this.mark(context, colour("--text"), colour("--mark"));
  }

  /** Where the points are, in pixels of the page. */
  place() {
    this.xs = Float64Array.from(this.rows, (row) => this.across(this.xValues[row]));
    this.ys = Float64Array.from(this.rows, (row) => this.upwards(this.yValues[row]));
  }

  /** @param {CanvasRenderingContext2D} context @param {number} density */
  paint(context, density) {
    const layer = document.createElement("canvas");
    layer.width = this.canvas.width;
    layer.height = this.canvas.height;
    const inner = layer.getContext("2d");
    if (!inner) return;
    const image = inner.createImageData(layer.width, layer.height);
    const colour = colouring(this.explorer.ensembles, this.explorer.state.colour, matchMedia(DARK).matches);
    const size = Math.max(2, Math.round((this.rows.length > 5000 ? 2 : 4) * density));
    const scaled = (/** @type {Float64Array} */ values) => values.map((value) => value * density);
    paintPoints(image, scaled(this.xs), scaled(this.ys), (i) => colour(this.rows[i]), size);
    inner.putImageData(image, 0, 0);
    context.drawImage(layer, 0, 0, layer.width / density, layer.height / density);
  }

  /** The ring of the chosen ensemble, the point that is named, and the line that is being drawn. */
  mark(/** @type {CanvasRenderingContext2D} */ context, /** @type {string} */ text, /** @type {string} */ mark) {
    const { ensembles, state } = this.explorer;
    const chosen = state.members.length > 1 ? ensembles.rowOf(state.members) : -1;
    if (chosen >= 0) ring(context, this.across(this.xValues[chosen]), this.upwards(this.yValues[chosen]), 8, mark);
    if (this.at >= 0) ring(context, this.xs[this.at], this.ys[this.at], 5, text);
    if (!this.drawing) return;
    context.strokeStyle = mark;
    context.beginPath();
    for (const [x, y] of this.drawing) context.lineTo(x, y);
    context.stroke();
  }

  /** @param {[number, number]} pixels @returns {[number, number]} the numbers of the axes there */
  numbersAt([x, y]) {
    const { ranges } = this;
    const back = (/** @type {[number, number]} */ range, /** @type {[number, number]} */ ends, /** @type {number} */ at) =>
      scaleOf(ends, range)(at);
    return [
      back(ranges.x, [MARGIN.left, ranges.width - MARGIN.right], x),
      back(ranges.y, [HEIGHT - MARGIN.bottom, MARGIN.top], y),
    ];
  }

  /** @param {[number, number]} pixels @returns {number} the place of the nearest point; -1 if none is near */
  nearest([x, y]) {
    let [found, best] = [-1, NEAR * NEAR];
    for (let i = 0; i < this.xs.length; i++) {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (distance < best) [found, best] = [i, distance];
    }
    return found;
  }

  /** Say which ensemble a point is. @param {number} place */
  name(place) {
    if (place === this.at) return;
    this.at = place;
    const { block, ensembles } = this.explorer;
    const row = place < 0 ? -1 : this.rows[place];
    const names = row < 0 ? [] : ensembles.membersOf(row).map((member) => block.members[member]);
    this.tip.textContent = row < 0 ? "" : `${listed(names, 20)}: ${this.yAxis.title} ${plain(this.yValues[row], 3)}, ${this.xAxis.title} ${plain(this.xValues[row], 3)}`;
    this.draw();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} colour
 */
function ring(context, x, y, radius, colour) {
  if (!Number.isFinite(x + y)) return;
  context.strokeStyle = colour;
  context.lineWidth = 2.5;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}
