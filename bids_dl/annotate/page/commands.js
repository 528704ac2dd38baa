// @ts-check
/** Commands of keys and buttons, by name. */

import { openHelp, openSettings } from "./panels/dialogs.js";
import {
  cancel,
  discardRefused,
  giveLabel,
  reviewAnswer,
  skipQuestion,
  undoAnswer,
} from "./labelling.js";
import {
  goTo,
  move,
  nextMontage,
  openRecording,
  showQuestion,
  stepDuration,
  stepSensitivity,
  turnPage,
  turnRecording,
} from "./navigation.js";
import { postJson } from "./sending/requests.js";

/** @typedef {import("./app.js").App} App */

/**
 * Make the commands of a page.
 * @param {App} app
 * @returns {Record<string, (argument?: any) => void>}
 */
export function makeCommands(app) {
  return {
    ...answerCommands(app),
    ...moveCommands(app),
    ...displayCommands(app),
    train: () => train(app),
    retry: () => retryRecording(app),
    openHelp: () => openHelp(app),
    openSettings: () => openSettings(app),
  };
}

/** @param {App} app */
function answerCommands(app) {
  const { classes, unsure } = app.state.session;
  return {
    answer: (/** @type {string} */ label) => giveLabel(app, label),
    answerKey: (/** @type {string} */ digit) => {
      const chosen = classes.find(({ key }) => key === digit);
      if (chosen) giveLabel(app, chosen.name);
    },
    answerUnsure: () => giveLabel(app, unsure),
    undo: () => undoAnswer(app),
    cancel: () => {
      cancel(app);
      // Keys answer again after Esc in a select of the bar.
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    },
    skip: () => skipQuestion(app),
    showQuestion: () => showQuestion(app),
    review: (/** @type {string} */ id) => {
      const answer = app.state.answers.find((one) => one.id === id);
      if (answer) reviewAnswer(app, answer);
    },
    retryRefused: (/** @type {any} */ entry) => app.outbox.retry(entry),
    discardRefused: (/** @type {any} */ entry) => discardRefused(app, entry),
  };
}

/**
 * While a mark waits for its class, arrows move its edges and not the page.
 * @param {App} app
 */
function moveCommands(app) {
  const edge = (/** @type {-1 | 1} */ direction) => (direction < 0 ? "left" : "right");
  const row = (/** @type {-1 | 1} */ direction) => (direction < 0 ? "up" : "down");
  const isMarking = () => app.state.selection !== null;
  return {
    beginMark: () => app.selector.grow("right", 0),
    arrowAcross: (/** @type {-1 | 1} */ direction) => {
      if (isMarking()) app.selector.grow(edge(direction), 1);
      else turnPage(app, direction);
    },
    shiftAcross: (/** @type {-1 | 1} */ direction) => {
      if (isMarking()) app.selector.grow(direction < 0 ? "right" : "left", -1);
      else move(app, direction);
    },
    arrowAlong: (/** @type {-1 | 1} */ direction) => {
      if (isMarking()) app.selector.grow(row(direction), 1);
      else stepSensitivity(app, direction);
    },
    shiftAlong: (/** @type {-1 | 1} */ direction) => {
      if (isMarking()) app.selector.grow(direction < 0 ? "down" : "up", -1);
    },
    turnPage: (/** @type {-1 | 1} */ direction) => turnPage(app, direction),
    goTo: (/** @type {number} */ time) => goTo(app, time),
    turnRecording: (/** @type {-1 | 1} */ direction) => turnRecording(app, direction),
  };
}

/** @param {App} app */
function displayCommands(app) {
  const { settings } = app;
  return {
    stepDuration: (/** @type {-1 | 1} */ direction) => stepDuration(app, direction),
    nextMontage: () => nextMontage(app),
    toggleNegative: () => {
      settings.negativeUp = !settings.negativeUp;
      app.update({});
    },
    toggleColumn: () => {
      settings.hidesColumn = !settings.hidesColumn;
      app.update({});
    },
  };
}

/** @param {App} app */
async function train(app) {
  await app.attempt(async () => {
    app.takeStatus((await postJson("/api/round", {})).status ?? app.state.status);
  });
  app.connection.poll();
}

/** @param {App} app */
function retryRecording(app) {
  const { page } = app.state;
  if (!page) return;
  const unreadable = new Map(app.state.unreadable);
  unreadable.delete(page.recording);
  app.picture.retry();
  app.update({ unreadable });
  openRecording(app, page.recording);
}
