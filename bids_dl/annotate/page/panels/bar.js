// @ts-check
/** The bar on top: the recording, the place in it, and how it is displayed. */

import { fillSelect, find } from "./dom.js";
import { changeDisplay, showRecording } from "../navigation.js";
import { digitsOf, formatTime, gridSteps } from "../signals/ruler.js";
import { DURATIONS, SENSITIVITIES } from "../settings.js";
import { shownRecording } from "../state.js";
import { writeFrequency, writeRecording } from "./wording.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../settings.js").Display} Display
 * @typedef {import("../settings.js").Recording} Recording
 */

const FILTERS = /** @type {const} */ (["low", "high", "notch"]);
const OFF = "off";

/**
 * Change the display when a control of the bar is used.
 * @param {App} app
 */
export function watchBar(app) {
  watch("recording", (value) => showRecording(app, Number(value)));
  watch("montage", (value) => changeDisplay(app, { montage: value }));
  watch("sensitivity", (value) => changeDisplay(app, { sensitivity: Number(value) }));
  watch("duration", (value) => changeDisplay(app, { duration: Number(value) }));
  for (const name of FILTERS) {
    watch(name, (value) => changeDisplay(app, { [name]: value === OFF ? null : Number(value) }));
  }
}

/**
 * @param {string} id
 * @param {(value: string) => void} onChange
 */
function watch(id, onChange) {
  const select = find(id);
  select.addEventListener("change", (event) => {
    onChange(/** @type {HTMLSelectElement} */ (event.target).value);
    // After a choice by mouse, keys answer again. By keyboard, the next arrow chooses on.
    if (!select.matches(":focus-visible")) select.blur();
  });
}

/**
 * Render the bar.
 * @param {App} app
 */
export function renderBar({ state, settings }) {
  const { recordings } = state.session;
  const titles = recordings.map(({ number, name }) => choice(number, writeRecording(name)));
  fillSelect(find("recording"), titles, String(state.page?.recording ?? ""));
  find("negative").textContent = settings.negativeUp ? "Negative up" : "Negative down";
  find("column").textContent = settings.hidesColumn ? "Show column" : "Hide column";
  document.body.classList.toggle("hides-column", settings.hidesColumn);
  const recording = shownRecording(state);
  if (!recording || !state.page) return;
  const display = settings.displayOf(recording);
  const start = state.page.start;
  const end = Math.min(start + display.duration, recording.seconds);
  const digits = digitsOf(gridSteps(display.duration).major);
  const times = [start, end].map((time) => formatTime(time, digits));
  find("position").textContent = `${times.join("–")} of ${formatTime(recording.seconds)}`;
  renderDisplay(recording, display, state.session.filters);
}

/**
 * @param {Recording} recording
 * @param {Display} display
 * @param {Record<"low" | "high" | "notch", (number | null)[]>} filters
 */
function renderDisplay(recording, display, filters) {
  const montages = recording.montages.map(({ name, title }) => ({ value: name, title }));
  fillSelect(find("montage"), montages, display.montage);
  for (const name of FILTERS) {
    const possible = filters[name].filter((hz) => hz === null || hz < recording.sfreq / 2);
    const offered = withChosen(possible, display[name]);
    const choices = offered.map((hz) => choice(hz ?? OFF, writeFrequency(hz)));
    fillSelect(find(name), choices, String(display[name] ?? OFF));
  }
  const steps = withChosen(SENSITIVITIES, display.sensitivity);
  const sensitivities = steps.map((step) => choice(step, `${step} µV/mm`));
  fillSelect(find("sensitivity"), sensitivities, String(display.sensitivity));
  const lengths = withChosen(DURATIONS, display.duration).map((step) => choice(step, `${step} s`));
  fillSelect(find("duration"), lengths, String(display.duration));
}

/**
 * Return steps with the chosen one among them, in order. null, which is off, stays in its place.
 * @template {number | null} T
 * @param {readonly T[]} steps
 * @param {T} chosen
 */
function withChosen(steps, chosen) {
  if (steps.includes(chosen)) return steps;
  const place = steps.findIndex((step) => step !== null && chosen !== null && step > chosen);
  return place < 0 ? [...steps, chosen] : steps.toSpliced(place, 0, chosen);
}

/**
 * @param {string | number} value
 * @param {string} title
 */
function choice(value, title) {
  return { value: String(value), title };
}
