// Elements of the page. Text reaches the page through `textContent` only, so names of members are never read as HTML.

/**
 * An element with attributes, properties and children.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | ((event: any) => void)>} [attributes] `on…` are listeners,
 *   `text` is the text; `true` sets an attribute without a value, `false` leaves it out.
 * @param {(Node | string)[]} [children]
 * @returns {any} the element
 */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name === "text") made.textContent = String(value);
    else if (value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * A labelled control: the label's text and the control, together.
 * @param {string} text
 * @param {HTMLElement} control
 * @returns {HTMLElement}
 */
export function labelled(text, control) {
  return element("label", {}, [element("span", { text: `${text} ` }), control]);
}

/**
 * A list to choose one from.
 * @param {string} id
 * @param {{value: string, title: string}[]} options
 * @param {string} chosen
 * @param {(value: string) => void} change
 * @returns {HTMLSelectElement}
 */
export function choice(id, options, chosen, change) {
  const made = element("select", { id, onchange: () => change(made.value) });
  for (const { value, title } of options) made.append(element("option", { value, text: title }));
  made.value = chosen;
  return made;
}

/**
 * Hand a file to the reader, without any server.
 * @param {string} name
 * @param {string} text
 */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = element("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
