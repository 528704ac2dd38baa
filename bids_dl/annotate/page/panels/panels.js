// @ts-check
/** The column on the right: the question, the last answers, and messages over the signals. */

import { classVariable } from "../signals/colours.js";
import { fillList, find, make, setColour, setText } from "./dom.js";
import { describeEntry } from "../labelling.js";
import { formatSeconds, formatTime } from "../signals/ruler.js";
import {
  askedQuestion,
  BACKGROUND,
  eventClasses,
  recordingName,
  reviewedAnswer,
  shownRecording,
} from "../state.js";
import {
  joinNames,
  writeClass,
  writeCount,
  writeLength,
  writeQuestion,
  writeRecording,
} from "./wording.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Answer} Answer
 */

const LISTED = 10; // answers
const USUALLY_WAITING = 2; // answers, while an expert is quicker than the disk

/** @type {Record<State["connection"], (problem: string) => string>} */
const CONNECTIONS = {
  ok: () => "",
  unreachable: () => "The server does not answer. Answers are kept here, and sent when it is back.",
  failing: (problem) => `The server says: ${problem}. Answers are kept here, and sent again.`,
  forbidden: () =>
    "The server was started again: open the new address printed in its terminal. " +
    "Answers are kept here.",
  replaced: () =>
    "Another folder of answers has this address now. Close this page; answers that " +
    "were not sent are kept in this browser.",
};

/**
 * Render the question, the answers and the messages.
 * @param {App} app
 */
export function renderPanels(app) {
  renderQuestion(app);
  renderClasses(app);
  renderAnswers(app);
  renderMessages(app);
  renderUnreadable(app);
}

/** @param {App} app */
function renderQuestion({ state, picture }) {
  const question = askedQuestion(state);
  const reviewed = reviewedAnswer(state);
  find("question").dataset.item = question?.item ?? "";
  setText(find("question-text"), writeHeading(state));
  setText(find("reason"), writeReason(state));
  const isAway = question && (reviewed || !picture.shows(state, question));
  const place = question
    ? `${formatTime(question.onset)} in ${writeRecording(recordingName(state, question.recording))}`
    : "";
  const button = find("show-question");
  if (isAway) button.replaceChildren(`Back to the question, ${place} `, make("kbd", {}, "J"));
  button.hidden = !isAway;
}

/** @param {State} state */
function writeHeading(state) {
  const reviewed = reviewedAnswer(state);
  if (state.selection) return "Which class has the mark?";
  if (reviewed) return `You answered: ${writeClass(reviewed.label)}`;
  const question = askedQuestion(state);
  if (!question) return state.message || "Waiting for the next question.";
  const events = eventClasses(state).map(({ name }) => name);
  return writeQuestion(events, question.duration, question.channels);
}

/** @param {State} state */
function writeReason(state) {
  if (state.selection) return "Its class is written to the log with its seconds and channels.";
  if (reviewedAnswer(state)) return "Another class changes the answer. Backspace undoes it.";
  const question = askedQuestion(state);
  if (!question) return "";
  const opinion = question.opinion ? `The model says: ${listOpinion(question.opinion)}.` : "";
  return `Why this one: ${question.reason}. ${opinion}`;
}

/** @param {App} app */
function renderClasses({ state, commands }) {
  const { classes, unsure } = state.session;
  const background = classes.filter(({ name }) => name === BACKGROUND);
  const choices = [...eventClasses(state), ...background, { name: unsure, key: "Space", hed: "" }];
  const chosen = reviewedAnswer(state)?.label;
  const question = askedQuestion(state);
  const canAnswer = state.selection || chosen || (question && state.seen === question);
  fillList(
    find("classes"),
    choices,
    ({ name }) => name,
    ({ name, key, hed }) => {
      const button = make("button", { type: "button", class: "class", title: hed });
      setColour(button, classVariable(classes, name));
      button.classList.toggle("is-unsure", name === unsure);
      button.append(make("span", { class: "swatch" }), writeClass(name), make("kbd", {}, key));
      button.addEventListener("click", () => commands.answer(name));
      return button;
    },
    (button, { name }) => {
      button.setAttribute("aria-pressed", String(name === chosen));
      button.setAttribute("aria-disabled", String(!canAnswer));
    },
  );
}

/** @param {App} app */
function renderAnswers(app) {
  const { state } = app;
  const waiting = new Set(state.waiting.map(({ answer }) => answer.id));
  find("no-answers").hidden = state.answers.length > 0;
  find("answer-table").hidden = state.answers.length === 0;
  find("undo").hidden = state.answers.length === 0;
  fillList(
    find("answers"),
    state.answers.slice(0, LISTED),
    ({ id }) => id,
    ({ id }) => buildAnswer(app, id),
    (row, answer) => refreshAnswer(state, row, answer, waiting.has(answer.id)),
  );
}

/**
 * @param {App} app
 * @param {string} id
 */
function buildAnswer(app, id) {
  const button = make("button", { type: "button", class: "answer" });
  for (const part of ["swatch", "label", "place", "opinion"]) {
    button.append(make("span", { class: part }));
  }
  button.addEventListener("click", () => app.commands.review(id));
  return make("li", {}, button);
}

/**
 * @param {State} state
 * @param {HTMLElement} row
 * @param {Answer} answer
 * @param {boolean} isWaiting
 */
function refreshAnswer(state, row, answer, isWaiting) {
  const button = /** @type {HTMLElement} */ (row.firstElementChild);
  const [, label, place, opinion] = /** @type {HTMLElement[]} */ ([...button.children]);
  setColour(button, classVariable(state.session.classes, answer.label));
  button.classList.toggle("is-unsure", answer.label === state.session.unsure);
  button.classList.toggle("is-waiting", isWaiting);
  button.setAttribute("aria-current", String(answer.id === state.reviewed));
  const name = writeRecording(recordingName(state, answer.recording));
  button.title = [
    writeClass(answer.label),
    `${name}, ${writeLength(answer.duration)}`,
    answer.channels.length ? joinNames(answer.channels) : "",
    isWaiting ? "waits to be saved" : "",
  ]
    .filter(Boolean)
    .join("; ");
  label.textContent = writeClass(answer.label);
  place.textContent = `${name.split(" ")[0]} ${formatTime(answer.onset)}`;
  opinion.textContent = isWaiting ? "…" : writeOpinion(answer);
  opinion.title = answer.opinion ? `the model said: ${listOpinion(answer.opinion)}` : "";
}

/**
 * Write the opinion of the model: the likeliest class of an event, with its probability. The class
 * is left out if there is only one.
 * @param {Answer} answer
 */
function writeOpinion({ opinion, strategy }) {
  if (strategy === "mark") return "mark";
  const events = Object.entries(opinion ?? {}).filter(([name]) => name !== BACKGROUND);
  if (!events.length) return "";
  const [name, probability] = events.reduce((best, one) => (one[1] > best[1] ? one : best));
  const title = events.length === 1 ? "" : ` ${writeClass(name)}`;
  return probability.toFixed(2) + title;
}

/** @param {Record<string, number>} opinion */
function listOpinion(opinion) {
  const parts = Object.entries(opinion).map(
    ([name, value]) => `${writeClass(name)} ${value.toFixed(2)}`,
  );
  return parts.join(", ");
}

/** @param {App} app */
function renderMessages(app) {
  const { state } = app;
  const { selection } = state;
  setText(find("prompt"), selection ? writePrompt(selection) : "");
  setText(find("connection"), CONNECTIONS[state.connection](state.problem));
  setText(find("waiting"), writeWaiting(state));
  fillList(
    find("refused"),
    state.refused,
    ({ id, refusal }) => `${id} ${refusal}`,
    (entry) => buildRefused(app, entry),
  );
}

/** @param {State} state */
function writeWaiting({ waiting, connection, isKept }) {
  const isUsual = connection === "ok" && waiting.length <= USUALLY_WAITING;
  if (!waiting.length || isUsual) return "";
  const verb = waiting.length === 1 ? "waits" : "wait";
  const advice = isKept ? "" : " This browser has no room to keep them: leave this page open.";
  return `${writeCount(waiting.length, "answer")} ${verb} to be saved.${advice}`;
}

/** @param {import("../state.js").Span} selection */
function writePrompt({ duration, channels }) {
  const where = channels.length ? joinNames(channels) : "all channels";
  return `Mark of ${formatSeconds(duration)} on ${where}. Press the key of its class; Esc cancels.`;
}

/**
 * @param {App} app
 * @param {import("../sending/answers.js").Entry} entry
 */
function buildRefused(app, entry) {
  const text = `Not saved: ${describeEntry(app, entry)}. The server says: ${entry.refusal}.`;
  const retry = make("button", { type: "button" }, "Try again");
  const discard = make("button", { type: "button" }, "Discard");
  retry.addEventListener("click", () => app.commands.retryRefused(entry));
  discard.addEventListener("click", () => app.commands.discardRefused(entry));
  return make("li", { class: "message message-problem", role: "alert" }, text, retry, discard);
}

/** @param {App} app */
function renderUnreadable({ state }) {
  const { page } = state;
  const sentence = page ? (state.unreadable.get(page.recording) ?? "") : "";
  find("unreadable").hidden = sentence === "";
  setText(find("unreadable-text"), sentence);
  const isAsked = page !== null && askedQuestion(state)?.recording === page.recording;
  find("skip").hidden = !isAsked;
  find("traces").classList.toggle("is-empty", !shownRecording(state) || sentence !== "");
}
