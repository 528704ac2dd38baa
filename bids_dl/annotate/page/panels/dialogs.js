// @ts-check
/** Dialogs: who reads, help, settings. */

import { find, make } from "./dom.js";
import { GROUPS } from "../keys.js";
import { changeDisplay } from "../navigation.js";
import { shownRecording } from "../state.js";
import { PIXELS_PER_MM } from "../signals/traces.js";
import { writeClass } from "./wording.js";

/** @typedef {import("../app.js").App} App */

const RULER_MM = 50;
const SECONDS = { least: 0.5, most: 60 }; // of a page

/**
 * Ask for the pseudonym of the expert.
 * @param {string} proposed
 * @returns {Promise<string>} Letters, digits, _ and -.
 */
export function askAnnotator(proposed) {
  const dialog = find("who-dialog");
  const input = /** @type {HTMLInputElement} */ (find("who-name"));
  input.value = proposed;
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  openDialog("who-dialog");
  input.select();
  return new Promise((resolve) => {
    find("who-form").addEventListener("submit", () => resolve(input.value), { once: true });
  });
}

/**
 * Open the help, which lists all keys.
 * @param {App} app
 */
export function openHelp(app) {
  const { classes } = app.state.session;
  const answers = classes.map(({ name, key }) => ({ shown: key, title: writeClass(name) }));
  const groups = GROUPS.map(({ title, bindings }) => {
    const first = title === "Answer" ? answers : [];
    return buildGroup(title, [...first, ...bindings]);
  });
  find("help-keys").replaceChildren(...groups);
  openDialog("help");
}

/**
 * @param {string} title
 * @param {{shown: string, title: string}[]} bindings
 */
function buildGroup(title, bindings) {
  const rows = bindings
    .filter(({ shown }) => shown)
    .flatMap((one) => [make("dt", {}, make("kbd", {}, one.shown)), make("dd", {}, one.title)]);
  return make("section", {}, make("h3", {}, title), make("dl", {}, ...rows));
}

/**
 * Open the settings.
 * @param {App} app
 */
export function openSettings(app) {
  const recording = shownRecording(app.state);
  const seconds = /** @type {HTMLInputElement} */ (find("seconds"));
  seconds.disabled = !recording;
  if (recording) seconds.value = String(app.settings.displayOf(recording).duration);
  showPixels(app);
  openDialog("settings");
}

/**
 * Change settings as they are typed.
 * @param {App} app
 */
export function watchSettings(app) {
  find("seconds").addEventListener("change", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const typed = input.valueAsNumber;
    if (Number.isFinite(typed)) {
      const duration = Math.min(Math.max(typed, SECONDS.least), SECONDS.most);
      changeDisplay(app, { duration });
      input.value = String(duration);
    }
  });
  find("pixels").addEventListener("input", (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    if (input.validity.valid && input.value) setPixels(app, input.valueAsNumber);
  });
  find("pixels-reset").addEventListener("click", () => {
    setPixels(app, PIXELS_PER_MM);
    showPixels(app);
  });
}

/**
 * @param {App} app
 * @param {number} pixelsPerMm
 */
function setPixels(app, pixelsPerMm) {
  app.settings.pixelsPerMm = pixelsPerMm;
  showRuler(app);
  app.update({});
}

/** @param {App} app */
function showPixels(app) {
  const input = /** @type {HTMLInputElement} */ (find("pixels"));
  input.value = app.settings.pixelsPerMm.toFixed(2);
  showRuler(app);
}

/** @param {App} app */
function showRuler(app) {
  find("ruler").style.width = `${RULER_MM * app.settings.pixelsPerMm}px`;
}

/** @param {string} id */
function openDialog(id) {
  /** @type {HTMLDialogElement} */ (find(id)).showModal();
}
