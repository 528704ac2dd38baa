// @ts-check
/** Elements of the page. Text is foreign (channel names, HED), so it becomes text nodes only. */

/**
 * Return the element of the page with an id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function find(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with the id ${id}`);
  return /** @type {T} */ (found);
}

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, string>} attributes `class`, `type`, ...; never a script or a style.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Set the text of an element, and hide the element if the text is empty.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/**
 * Make the children of a list those of its rows. A row keeps its element, and so the focus.
 * @template Row
 * @param {HTMLElement} list
 * @param {readonly Row[]} rows
 * @param {(row: Row) => string} keyOf Key that is unique among the rows.
 * @param {(row: Row) => HTMLElement} build Element of a new row.
 * @param {(element: HTMLElement, row: Row) => void} [refresh] Called for all rows.
 */
export function fillList(list, rows, keyOf, build, refresh = () => {}) {
  const existing = new Map();
  for (const child of /** @type {HTMLElement[]} */ ([...list.children])) {
    existing.set(child.dataset.key, child);
  }
  rows.forEach((row, position) => {
    const key = keyOf(row);
    const element = existing.get(key) ?? build(row);
    existing.delete(key);
    element.dataset.key = key;
    refresh(element, row);
    if (list.children[position] !== element) list.insertBefore(element, list.children[position]);
  });
  for (const surplus of existing.values()) surplus.remove();
}

/**
 * Offer choices in a select, and choose one of them.
 * @param {HTMLSelectElement} select
 * @param {readonly {value: string, title: string}[]} choices
 * @param {string} chosen
 */
export function fillSelect(select, choices, chosen) {
  const content = JSON.stringify(choices);
  if (select.dataset.content !== content) {
    select.replaceChildren(...choices.map(({ value, title }) => new Option(title, value)));
    select.dataset.content = content;
  }
  if (select.value !== chosen) select.value = chosen;
}

/**
 * Give an element, and what is in it, a colour of the style sheet.
 * @param {HTMLElement} element
 * @param {string} variable Name without dashes, as `classVariable` returns it.
 */
export function setColour(element, variable) {
  element.style.setProperty("--colour", `var(--${variable})`);
}
