"use strict";
// Hide the cards that are not searched for. The choice is in the address, so that it can be shared.
const form = document.getElementById("filters");
const stores = JSON.parse(document.getElementById("searched").textContent);
const cards = Array.from(document.querySelectorAll("[data-store]"));
const list = document.getElementById("cards");
const found = document.getElementById("found");
const selects = Array.from(form.querySelectorAll("select[data-facet]"));
const search = form.elements.namedItem("search");
const order = form.elements.namedItem("order");

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const texts = stores.map((store) => fold(store.text));

function matches(number, words, except) {
  return words.every((word) => texts[number].includes(word)) &&
    selects.every((select) => select === except || !select.value ||
      stores[number].facets[select.name].includes(select.value));
}

function show() {
  const words = fold(search.value).split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    card.hidden = !matches(Number(card.dataset.store), words, null);
    shown += card.hidden ? 0 : 1;
  }
  for (const select of selects) {
    for (const option of Array.from(select.options).slice(1)) {
      let count = 0;
      stores.forEach((store, number) => {
        const has = store.facets[select.name].includes(option.value);
        count += has && matches(number, words, select) ? 1 : 0;
      });
      option.textContent = `${option.value} (${count})`;
      option.disabled = count === 0 && !option.selected;
    }
  }
  found.textContent = `${shown} of ${cards.length} ${cards.length === 1 ? "store" : "stores"}`;
}

function sort() {
  const key = (card) => Number(card.dataset[order.value] || 0);
  const compare = (a, b) => key(b) - key(a) || a.dataset.store - b.dataset.store;
  list.append(...cards.slice().sort(compare));
}

function write() {
  const chosen = new URLSearchParams();
  for (const field of [search, order, ...selects]) {
    if (field.value && field.value !== "title") chosen.set(field.name, field.value);
  }
  history.replaceState(null, "", `#${chosen}`);
}

function read() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  for (const field of [search, order, ...selects]) {
    const value = chosen.get(field.name) || (field === order ? "title" : "");
    field.value = value;
    if (field.value !== value) field.value = field === order ? "title" : "";
  }
  sort();
  show();
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => { sort(); show(); write(); });
document.getElementById("clear").addEventListener("click", () => {
  form.reset();
  sort();
  show();
  write();
});
window.addEventListener("hashchange", read);
form.hidden = false;
read();
