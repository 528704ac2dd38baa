// @ts-check
/** Where the page is in which recording, and how it is displayed. */

import { getJson } from "./sending/requests.js";
import { DURATIONS, SENSITIVITIES, stepFrom } from "./settings.js";
import { askedQuestion, clampStart, shownRecording, startAround } from "./state.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("./state.js").Span} Span
 * @typedef {import("./settings.js").Display} Display
 */

/**
 * Show the question, and forget the mark and the answer that was shown again.
 * @param {App} app
 */
export function showQuestion(app) {
  const question = askedQuestion(app.state);
  app.update({ selection: null, reviewed: "" });
  if (question) showSpan(app, question);
}

/**
 * Show a span in the middle of a page.
 * @param {App} app
 * @param {Pick<Span, "recording" | "onset" | "duration">} span
 */
export function showSpan(app, span) {
  const recording = app.state.recordings.get(span.recording);
  if (recording) {
    const { duration } = app.settings.displayOf(recording);
    const start = startAround(span, duration, recording.seconds);
    app.update({ page: { recording: span.recording, start } });
    return;
  }
  const page = { recording: span.recording, start: span.onset };
  app.update({ page });
  openRecording(app, span.recording).then((isOpen) => {
    if (isOpen && app.state.page === page) showSpan(app, span);
  });
}

/**
 * Request the channels and montages of a recording, once.
 * @param {App} app
 * @param {number} number
 * @returns {Promise<boolean>} Whether the recording is open.
 */
export async function openRecording(app, number) {
  if (app.state.recordings.has(number)) return true;
  try {
    const recording = await getJson(`/api/recordings/${number}`);
    app.update({ recordings: new Map(app.state.recordings).set(number, recording) });
    return true;
  } catch (error) {
    app.reportUnreadable(number, error);
    return false;
  }
}

/**
 * Turn a page.
 * @param {App} app
 * @param {1 | -1} direction
 */
export function turnPage(app, direction) {
  const recording = shownRecording(app.state);
  if (recording) move(app, direction * app.settings.displayOf(recording).duration);
}

/**
 * Move the page by seconds.
 * @param {App} app
 * @param {number} seconds
 */
export function move(app, seconds) {
  if (app.state.page) goTo(app, app.state.page.start + seconds);
}

/**
 * Go to a time of the recording, or as near as a page can begin.
 * @param {App} app
 * @param {number} time s
 */
export function goTo(app, time) {
  const recording = shownRecording(app.state);
  if (!recording) return;
  const { duration } = app.settings.displayOf(recording);
  const start = clampStart(time, duration, recording.seconds);
  app.update({ page: { recording: recording.number, start } });
}

/**
 * Go to the page that has a time in its middle.
 * @param {App} app
 * @param {number} time s
 */
export function centre(app, time) {
  const { page } = app.state;
  if (page) showSpan(app, { recording: page.recording, onset: time, duration: 0 });
}

/**
 * Show the start of another recording.
 * @param {App} app
 * @param {number} number
 */
export function showRecording(app, number) {
  showSpan(app, { recording: number, onset: 0, duration: 0 });
}

/**
 * Show the next or the previous recording.
 * @param {App} app
 * @param {1 | -1} direction
 */
export function turnRecording(app, direction) {
  const numbers = app.state.session.recordings.map(({ number }) => number);
  const place = numbers.indexOf(app.state.page?.recording ?? -1) + direction;
  if (numbers[place] !== undefined) showRecording(app, numbers[place]);
}

/**
 * Change how recordings of this kind are displayed. The middle of the page stays.
 * @param {App} app
 * @param {Partial<Display>} changes
 */
export function changeDisplay(app, changes) {
  const recording = shownRecording(app.state);
  if (!recording || !app.state.page) return;
  const before = app.settings.displayOf(recording).duration;
  app.settings.changeDisplay(recording, changes);
  const after = app.settings.displayOf(recording).duration;
  if (after === before) app.update({});
  else keepInView(app, before);
}

/**
 * Change the sensitivity by a step.
 * @param {App} app
 * @param {1 | -1} direction 1: more µV/mm, smaller traces.
 */
export function stepSensitivity(app, direction) {
  step(app, "sensitivity", SENSITIVITIES, direction);
}

/**
 * Change the length of the page by a step.
 * @param {App} app
 * @param {1 | -1} direction
 */
export function stepDuration(app, direction) {
  step(app, "duration", DURATIONS, direction);
}

/**
 * Choose the next montage.
 * @param {App} app
 */
export function nextMontage(app) {
  const recording = shownRecording(app.state);
  if (!recording) return;
  const names = recording.montages.map(({ name }) => name);
  const place = names.indexOf(app.settings.displayOf(recording).montage);
  changeDisplay(app, { montage: names[(place + 1) % names.length] });
}

/**
 * @param {App} app
 * @param {"sensitivity" | "duration"} name
 * @param {number[]} steps
 * @param {1 | -1} direction
 */
function step(app, name, steps, direction) {
  const recording = shownRecording(app.state);
  if (!recording) return;
  const value = app.settings.displayOf(recording)[name];
  changeDisplay(app, { [name]: stepFrom(steps, value, direction) });
}

/**
 * Move the page after its length changed: around the question if it was in view, else around its
 * middle.
 * @param {App} app
 * @param {number} before Length of the page until now, s.
 */
function keepInView(app, before) {
  const { page } = app.state;
  const question = askedQuestion(app.state);
  if (!page) return;
  const isInView =
    question?.recording === page.recording &&
    question.onset >= page.start &&
    question.onset + question.duration <= page.start + before;
  if (question && isInView) showSpan(app, question);
  else centre(app, page.start + before / 2);
}
