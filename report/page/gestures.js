// What a pointer does on the cloud: point, click, draw a line or a rectangle, move the cloud, turn the wheel.

/** @typedef {[number, number]} Place pixels from the left and from the top */
/**
 * What follows: `drag` says what a drag does now. `sketch` shows a line while it is drawn, `line` and `rectangle` take
 * what was drawn, `move` is by pixels, and `zoom` has a factor.
 * @typedef {{drag: () => string, point: (at: Place) => void, click: (at: Place) => void,
 *   sketch: (line: Place[]) => void, line: (line: Place[]) => void, rectangle: (from: Place, to: Place) => void,
 *   move: (by: Place) => void, zoom: (factor: number, at: Place) => void}} Handlers
 */

export const NEAR = 12; // pixels: a pointer that moves less was not moved, and a point that is nearer is meant

/** @param {HTMLElement} canvas @param {Handlers} handlers */
export function listenToPointer(canvas, handlers) {
  /** @type {Place[] | null} where the pointer was since it was pressed */
  let trail = null;
  const place = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return /** @type {Place} */ ([event.clientX - box.left, event.clientY - box.top]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    trail = [place(event)];
  });
  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (!trail) return handlers.point(at);
    const last = trail[trail.length - 1];
    trail.push(at);
    if (handlers.drag() === "line") handlers.sketch(trail);
    else if (handlers.drag() === "zoom") handlers.sketch(corners(trail[0], at));
    else handlers.move([at[0] - last[0], at[1] - last[1]]);
  });
  canvas.addEventListener("pointercancel", () => {
    trail = null;
    handlers.sketch([]);
  });
  canvas.addEventListener("pointerup", (event) => {
    const [line, at] = [trail ?? [], place(event)];
    trail = null;
    handlers.sketch([]);
    const moved = line.some(([x, y]) => Math.hypot(x - at[0], y - at[1]) > NEAR);
    if (!moved) handlers.click(at);
    else if (handlers.drag() === "zoom") handlers.rectangle(line[0], at);
    else if (handlers.drag() === "line" && line.length > 2) handlers.line(line);
  });
  const turn = (/** @type {WheelEvent} */ event) => {
    if (!event.ctrlKey && !event.metaKey) return; // the wheel alone moves the page
    event.preventDefault();
    handlers.zoom(2 ** (Math.max(-100, Math.min(100, event.deltaY)) / 100), place(event));
  };
  canvas.addEventListener("wheel", turn, { passive: false });
}

/** @param {Place} from @param {Place} to @returns {Place[]} a rectangle as a closed line */
function corners([left, top], [right, bottom]) {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ];
}
