// @ts-check
/** What the expert does with questions and answers. */

import { makeUuid } from "./sending/answers.js";
import { askedQuestion, recordingName, reviewedAnswer, shownRecording } from "./state.js";
import { showQuestion, showSpan } from "./navigation.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("./state.js").Answer} Answer
 * @typedef {import("./state.js").Span} Span
 */

const LONGEST_MS = 86_400_000; // of the log: a day

/**
 * Give a label: to the mark that waits for one, else to the answer that is shown again, else to the
 * question.
 * @param {App} app
 * @param {string} label
 */
export function giveLabel(app, label) {
  const { state } = app;
  const reviewed = reviewedAnswer(state);
  if (state.selection) markSelection(app, state.selection, label);
  else if (reviewed) changeAnswer(app, reviewed, label);
  else answerQuestion(app, label);
}

/**
 * Answer the question, and show the next one at once. A question whose signals were not on the
 * screen cannot be answered.
 * @param {App} app
 * @param {string} label
 */
function answerQuestion(app, label) {
  const question = askedQuestion(app.state);
  if (!question || app.state.seen !== question) return;
  const ms = Math.min(Math.round(performance.now() - app.state.seenAt), LONGEST_MS);
  const body = { item: question.item, tab: app.state.tab, display: displayed(app), ms };
  app.questions.take();
  keepAnswer(app, { span: question, label, strategy: question.strategy, body });
  showQuestion(app);
}

/**
 * @param {App} app
 * @param {Span} selection
 * @param {string} label
 */
function markSelection(app, selection, label) {
  const { recording, onset, duration, channels } = selection;
  const mark = { recording, onset, duration, channels };
  const body = { mark, tab: app.state.tab, display: displayed(app), ms: null };
  app.update({ selection: null });
  keepAnswer(app, { span: mark, label, strategy: "mark", body });
}

/**
 * @param {App} app
 * @param {{span: any, label: string, strategy: string, body: object}} parts
 */
function keepAnswer(app, { span, label, strategy, body }) {
  const { recording, onset, duration, channels } = span;
  /** @type {Answer} */
  const answer = {
    id: makeUuid(),
    label,
    recording,
    onset,
    duration,
    channels,
    strategy,
    time: new Date().toISOString(),
    question: span.item ? span : undefined,
  };
  app.update({ answers: [answer, ...app.state.answers] });
  const item = span.item ?? "";
  app.outbox.add({ id: answer.id, kind: "answer", answer, item, body: { ...body, label } });
}

/**
 * @param {App} app
 * @param {Answer} answer
 * @param {string} label
 */
function changeAnswer(app, answer, label) {
  app.update({ reviewed: "" });
  if (label !== answer.label) {
    const changed = { ...answer, label };
    app.update({
      answers: app.state.answers.map((one) => (one.id === answer.id ? changed : one)),
    });
    app.outbox.add({ id: makeUuid(), kind: "change", answer: changed, item: "", body: { label } });
  }
  showQuestion(app);
}

/**
 * Undo an answer. Its question is asked again at once.
 *
 * The log is append-only: an answer that still waits is sent first, and undone by a later line.
 * @param {App} app
 * @param {Answer | null} [answer] The one that is shown again, or the last one, by default.
 */
export function undoAnswer(app, answer = reviewedAnswer(app.state) ?? app.state.answers[0]) {
  if (app.state.selection) return cancel(app);
  if (!answer) return;
  app.update({
    answers: app.state.answers.filter(({ id }) => id !== answer.id),
    undone: new Set([...app.state.undone, answer.id]),
    reviewed: "",
  });
  const refused = app.outbox.refused.find(({ id }) => id === answer.id);
  if (refused) app.outbox.forget(refused);
  else app.outbox.add({ id: makeUuid(), kind: "undo", answer, item: "", body: {} });
  if (answer.question) app.questions.putBack(answer.question);
  if (answer.question) showQuestion(app);
  else showSpan(app, answer);
}

/**
 * Show an answer again, so that a class key changes it.
 * @param {App} app
 * @param {Answer} answer
 */
export function reviewAnswer(app, answer) {
  app.update({ reviewed: answer.id, selection: null });
  showSpan(app, answer);
}

/**
 * Discard an entry that the server refused, with its answer.
 * @param {App} app
 * @param {import("./sending/answers.js").Entry} entry
 */
export function discardRefused(app, entry) {
  app.outbox.forget(entry);
  if (entry.kind !== "answer") return;
  app.update({ answers: app.state.answers.filter(({ id }) => id !== entry.id) });
}

/**
 * Cancel the mark, or go back from an answer to the question.
 * @param {App} app
 */
export function cancel(app) {
  if (app.state.selection) app.update({ selection: null });
  else if (app.state.reviewed) showQuestion(app);
}

/**
 * Skip the question, or all questions about its recording if this cannot be read.
 * @param {App} app
 */
export function skipQuestion(app) {
  const question = askedQuestion(app.state);
  if (!question) return;
  if (app.state.unreadable.has(question.recording)) app.questions.skipRecording(question.recording);
  else app.questions.skip(question);
  showQuestion(app);
}

/**
 * Describe an entry for a message.
 * @param {App} app
 * @param {import("./sending/answers.js").Entry} entry
 */
export function describeEntry(app, { kind, answer }) {
  const noun = { answer: answer.label, change: `change to ${answer.label}`, undo: "undo" }[kind];
  return `${noun} at ${answer.onset.toFixed(2)} s of ${recordingName(app.state, answer.recording)}`;
}

/** @param {App} app */
function displayed(app) {
  const recording = shownRecording(app.state);
  if (!recording) return null;
  const { montage, low, high, notch, sensitivity } = app.settings.displayOf(recording);
  return { montage, low, high, notch, sensitivity };
}
