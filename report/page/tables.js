// Every table of the page: sorted by a click on a head, filtered by words, downloaded as it is shown.

import { download, element } from "./dom.js";

const ROWS_WITH_FILTER = 12;
const SECONDS = { h: 3600, min: 60, s: 1 };

/**
 * The number that a cell begins with; NaN for a cell without one. Durations are in seconds ("1 min 42 s").
 * @param {string} text
 * @returns {number}
 */
export function numberIn(text) {
  const plain = text
    .replace(/[\u202f\u00a0]/g, "")
    .replace(/−/g, "-")
    .trim();
  const parts = [...plain.matchAll(/(\d+(?:\.\d+)?) ?(h|min|s)(?![a-z])/g)];
  if (parts.length && /^\d/.test(plain)) {
    return parts.reduce((sum, [, value, unit]) => sum + Number(value) * SECONDS[/** @type {"h"} */ (unit)], 0);
  }
  const found = /^[(<> ]*([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/i.exec(plain);
  if (!found) return NaN;
  return plain.startsWith("<") ? Number(found[1]) * (1 - 1e-9) : Number(found[1]);
}

/**
 * The order of two cells: numbers by size, text by letters, cells without a number last in either direction.
 * @param {string} a
 * @param {string} b
 * @param {boolean} numbers whether the column has numbers
 * @param {number} sign 1 for ascending, -1 for descending
 * @returns {number}
 */
export function compareCells(a, b, numbers, sign) {
  if (!numbers) return sign * a.localeCompare(b, "en", { numeric: true });
  const [x, y] = [numberIn(a), numberIn(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return sign * (x - y);
}

/**
 * Rows of text as CSV (RFC 4180).
 * @param {string[][]} rows
 * @returns {string}
 */
export function csvOf(rows) {
  const cell = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** @param {HTMLTableElement} table @returns {HTMLTableCellElement[]} */
function headsOf(table) {
  return [...(table.tHead?.rows[0].cells ?? [])];
}

/** @param {Element} row @returns {string[]} */
function texts(row) {
  return [...row.children].map((cell) => (cell.textContent ?? "").trim());
}

/**
 * The head and the rows that are shown.
 * @param {HTMLTableElement} table
 * @returns {string[][]}
 */
export function shownRows(table) {
  const heads = headsOf(table);
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  return [heads.map((head) => (head.textContent ?? "").trim()), ...rows.map(texts)];
}

/** @param {HTMLTableElement} table @param {number} column @param {HTMLTableCellElement} head */
function sortBy(table, column, head) {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const numbers = head.classList.contains("number");
  const rows = [...table.tBodies[0].rows];
  const cells = new Map(rows.map((row) => [row, texts(row)[column] ?? ""]));
  rows.sort((a, b) => compareCells(cells.get(a) ?? "", cells.get(b) ?? "", numbers, sign));
  table.tBodies[0].append(...rows);
  for (const other of headsOf(table)) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
}

/** @param {HTMLTableElement} table @returns {string} */
function fileName(table) {
  const words = (table.caption?.textContent ?? "table").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return `${words.replace(/^-|-$/g, "").slice(0, 60) || "table"}.csv`;
}

/**
 * Give a table its heads that sort, a filter if it is long, and its download.
 * @param {HTMLTableElement} table
 */
export function liven(table) {
  headsOf(table).forEach((head, column) => {
    const text = head.textContent ?? "";
    head.replaceChildren(element("button", { type: "button", text, onclick: () => sortBy(table, column, head) }));
  });
  const tools = element("div", { class: "tools" });
  if (table.tBodies[0].rows.length > ROWS_WITH_FILTER) {
    const filter = element("input", { type: "search", placeholder: "Filter rows", "aria-label": "Filter rows" });
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = (row.textContent ?? "").toLowerCase();
        row.hidden = !words.every((/** @type {string} */ word) => text.includes(word));
      }
    });
    tools.append(filter);
  }
  const name = table.caption?.textContent ?? "table";
  const save = () => download(fileName(table), csvOf(shownRows(table)));
  tools.append(
    element("button", { type: "button", text: "CSV", "aria-label": `Download as CSV: ${name}`, onclick: save }),
  );
  const frame = table.closest(".scroll") ?? table;
  frame.before(tools);
}
