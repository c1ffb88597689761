// Choosing the members of an ensemble: checkboxes, search, and ensembles that are worth a look.

import { choice, element, labelled } from "./dom.js";
import { bestOfSize } from "./ensembles.js";
import { plain } from "./numbers.js";

/** @typedef {import("./main.js").Explorer} Explorer */

/**
 * The part of the page where members are chosen.
 * @param {Explorer} explorer
 * @returns {HTMLElement}
 */
export function picker(explorer) {
  const { block, ensembles } = explorer;
  const everyone = block.members.map((/** @type {string} */ _, /** @type {number} */ member) => member);
  const search = element("input", {
    type: "search",
    id: "member-search",
    "aria-label": "Search members",
    placeholder: "Search members",
  });
  const list = element("ul", { class: "members" });
  const boxes = everyone.map((/** @type {number} */ member) => memberBox(explorer, member));
  list.append(...boxes.map((/** @type {any} */ box) => box.item));
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { item, name } of boxes)
      item.hidden = !words.every((/** @type {string} */ word) => name.toLowerCase().includes(word));
  });
  const pick = (/** @type {string} */ text, /** @type {() => number[]} */ members) =>
    element("button", { type: "button", text, onclick: () => explorer.update({ members: members() }) });
  const sizes = [...new Set(ensembles.sizes)].filter((size) => size > 0).sort((a, b) => a - b);
  const options = [
    { value: "", title: "…" },
    ...[...new Set([1, ...sizes])].map((size) => ({ value: `${size}`, title: `${size}` })),
  ];
  const size = choice("best-of-size", options, "", (value) => {
    const { set, consensus } = explorer.state;
    if (value) explorer.update({ members: bestOfSize(ensembles, Number(value), set, consensus) });
    size.value = "";
  });
  explorer.listen(() => {
    const { members, set } = explorer.state;
    for (const [member, box] of boxes.entries()) {
      box.check.checked = members.includes(member);
      const { right, samples } = block.datasets[set];
      box.accuracy.textContent = ` ${plain((100 * right[member]) / samples, 1)} %`;
    }
  });
  return element("fieldset", { class: "picker" }, [
    element("legend", { text: "Members of the ensemble" }),
    element("div", { class: "tools" }, [
      search,
      pick("All", () => everyone),
      pick("None", () => []),
      pick("Recommended for this set", () => recommended(explorer)),
      labelled("Best of size", size),
    ]),
    list,
  ]);
}

/** @param {Explorer} explorer @param {number} member */
function memberBox(explorer, member) {
  const name = explorer.block.members[member];
  const check = element("input", { type: "checkbox", value: member });
  check.addEventListener("change", () => {
    const rest = explorer.state.members.filter((other) => other !== member);
    explorer.update({ members: check.checked ? [...rest, member].sort((a, b) => a - b) : rest });
  });
  const accuracy = element("span", { class: "soft" });
  const label = element("label", {}, [check, element("span", { text: ` ${name}` }), accuracy]);
  return { item: element("li", {}, [label]), check, accuracy, name };
}

/** @param {Explorer} explorer @returns {number[]} what deployment recommends for the set and the consensus */
export function recommended(explorer) {
  const { set, consensus } = explorer.state;
  const { name } = explorer.block.datasets[set];
  const found = explorer.block.choices.find(
    (/** @type {any} */ one) => one.dataset === name && one.consensus === consensus,
  );
  return found ? found.recommended : [];
}
