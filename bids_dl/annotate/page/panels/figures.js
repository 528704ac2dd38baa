// @ts-check
/** Progress of the batch, the round and the test, and hints when to stop. */

import { classVariable } from "../signals/colours.js";
import { fillList, find, make, setColour, setText } from "./dom.js";
import { writeClass, writeCount } from "./wording.js";

/** @typedef {import("../app.js").App} App */

const STABLE_KAPPA = 0.99; // of the last two models, after which F changes by at most 0.04
const STABLE_ROUNDS = 3; // with that kappa
const CHART = { width: 240, height: 36, edge: 3 };

/**
 * Render what the server reported last.
 * @param {App} app
 */
export function renderFigures({ state }) {
  const { status } = state;
  const obstacle = status?.obstacle ?? "";
  find("train").toggleAttribute("disabled", !status || isRunning(status) || obstacle !== "");
  find("train").title = obstacle;
  if (!status) return;
  renderBatch(status);
  renderRound(status.round);
  renderCounts(state);
  renderTest(status.figures ?? []);
  renderHints(state);
}

/**
 * Return whether a round runs, or the pool is being measured.
 * @param {any} status
 */
export function isRunning(status) {
  return ["measuring", "training"].includes(status?.round?.state);
}

/** @param {any} status */
function renderBatch({ batch }) {
  setText(find("batch"), writeBatch(batch));
  const bar = /** @type {HTMLProgressElement} */ (find("batch-bar"));
  bar.max = Math.max(batch.size, 1);
  bar.value = Math.min(batch.answered, batch.size);
}

/** @param {{answered: number, size: number}} batch */
function writeBatch({ answered, size }) {
  if (answered >= size) return `${writeCount(answered, "answer")} for the next round`;
  return `${answered} of ${size} answers for a round`;
}

/** @param {{number: number, state: string, done: number, total: number, message: string}} round */
function renderRound(round) {
  const element = find("round");
  setText(element, writeRound(round));
  element.classList.toggle("problem", round.state === "failed");
}

/** @param {{number: number, state: string, done: number, total: number, message: string}} round */
function writeRound({ number, state, done, total, message }) {
  const share = total ? ` ${Math.floor((100 * done) / total)} %` : "";
  if (state === "failed") return `Round ${number} failed: ${message}`;
  if (state === "measuring") return `Measuring the pool:${share || " begins"}`;
  if (state === "training") return `Round ${number} trains:${share || " begins"}`;
  return message || (number ? `${writeCount(number, "round")} trained` : "No round trained yet");
}

/** @param {import("../state.js").State} state */
function renderCounts({ status, session }) {
  const names = [...session.classes.map(({ name }) => name), session.unsure];
  const rows = names.map((name) => [name, status.counts?.[name] ?? 0]).filter((row) => row[1] > 0);
  fillList(
    find("counts"),
    rows,
    ([label]) => label,
    ([label]) => {
      const row = make("li", {}, make("span", { class: "swatch" }), make("span"));
      setColour(row, classVariable(session.classes, label));
      row.classList.toggle("is-unsure", label === session.unsure);
      return row;
    },
    (row, [label, count]) => {
      const text = /** @type {HTMLElement} */ (row.lastElementChild);
      text.textContent = `${count.toLocaleString("en")} ${writeClass(label)}`;
    },
  );
}

/** @param {any[]} figures Of all rounds, oldest first. */
function renderTest(figures) {
  const titles = [...new Set(figures.map(({ title }) => title))];
  fillList(
    find("figures"),
    titles,
    (title) => title,
    () => make("div", { class: "figure" }),
    (element, title) =>
      refreshFigure(
        element,
        figures.filter((one) => one.title === title),
      ),
  );
  setText(find("figures-note"), writeNote(figures.at(-1)));
}

/**
 * @param {HTMLElement} element
 * @param {any[]} rounds Figures of one title, oldest first.
 */
function refreshFigure(element, rounds) {
  const { title, value, low, high } = rounds.at(-1);
  const interval = low === null ? "" : ` ${low.toFixed(2)} to ${high.toFixed(2)}`;
  const number = make("strong", {}, value === null ? "none yet" : value.toFixed(2));
  element.replaceChildren(
    make("span", { class: "figure-title" }, writeClass(title)),
    make("span", { class: "figure-value" }, number, interval),
  );
  const known = rounds.filter((one) => one.value !== null);
  if (known.length > 1) element.append(drawChart(known));
}

/** @param {any} figure */
function writeNote(figure) {
  if (!figure) return "Figures come after the first round, from questions drawn at random.";
  const { n_test: tests, n_positive: positives, same_people: isSame, interval } = figure;
  const parts = [`From ${writeCount(tests, "random answer")}, ${positives} of them positive.`];
  if (interval) parts.push(`95 % interval over ${interval}.`);
  else parts.push("Too few for an interval.");
  if (isSame) parts.push("People are the same in training and test, so new ones may do worse.");
  return parts.join(" ");
}

/**
 * Draw a figure over the rounds: values as a line, intervals as a band, both from 0 to 1.
 * @param {any[]} shown Figures of at least two rounds.
 */
function drawChart(shown) {
  const { width, height, edge } = CHART;
  const x = (/** @type {number} */ i) => edge + ((width - 2 * edge) * i) / (shown.length - 1);
  const y = (/** @type {number} */ value) => height - edge - (height - 2 * edge) * value;
  const upper = shown.map(({ high, value }, i) => `${x(i)},${y(high ?? value)}`);
  const lower = shown.map(({ low, value }, i) => `${x(i)},${y(low ?? value)}`).reverse();
  const line = shown.map(({ value }, i) => `${x(i)},${y(value)}`);
  const chart = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img" });
  chart.setAttribute("aria-label", `values of ${shown.length} rounds`);
  chart.append(
    makeSvg("polygon", { points: [...upper, ...lower].join(" "), class: "band" }),
    makeSvg("polyline", { points: line.join(" "), class: "line" }),
  );
  return chart;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function makeSvg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** @param {import("../state.js").State} state */
function renderHints(state) {
  const hints = [...writeAgreement(state.status.agreement), ...writeStop(state.status.stop)];
  fillList(
    find("hints"),
    hints,
    (hint) => hint,
    (hint) => make("li", {}, hint),
  );
}

/** @param {any} agreement */
function writeAgreement(agreement) {
  const hints = [];
  const { n = 0, share = 0 } = agreement?.self ?? {};
  const repeated = writeCount(n, "repeated question");
  if (n) hints.push(`Of ${repeated}, you answered ${percent(share)} the same.`);
  if (agreement?.experts != null) {
    hints.push(`Experts agree with a kappa of ${agreement.experts.toFixed(2)}.`);
  }
  return hints;
}

/** @param {any} stop */
function writeStop(stop) {
  const hints = [];
  const kappas = stop?.kappa ?? [];
  const kappa = kappas.at(-1)?.toFixed(2);
  if (kappa) hints.push(`The last two models agree with a kappa of ${kappa}.`);
  if (isStable(kappas)) {
    hints.push("More answers of this kind will change the model little. You may stop.");
  }
  const [positives, of] = stop?.likeliest ?? [0, 0];
  if (of) hints.push(`${positives} of the last ${of} likeliest windows were events.`);
  return hints;
}

/** @param {number[]} kappas Of all rounds. */
function isStable(kappas) {
  const last = kappas.slice(-STABLE_ROUNDS);
  return last.length === STABLE_ROUNDS && last.every((kappa) => kappa >= STABLE_KAPPA);
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}
