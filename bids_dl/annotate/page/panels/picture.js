// @ts-check
/** Traces and strip: what is drawn follows from the state, and the pages that may come next. */

import { Strip } from "../signals/strip.js";
import { Traces } from "../signals/traces.js";
import { Views } from "../signals/views.js";
import {
  askedQuestion,
  clampStart,
  marksOf,
  reviewedAnswer,
  shownRecording,
  startAround,
} from "../state.js";
import { getBytes } from "../sending/requests.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../settings.js").Settings} Settings
 * @typedef {import("../settings.js").Recording} Recording
 * @typedef {import("../signals/views.js").View} View
 * @typedef {Record<string, string | number>} Query
 */

const QUIET_MS = 250; // of a reader who stays at a question, before its neighbours are fetched
const NO_STRIP = { onsets: [], durations: [], probabilities: [] };

/** The canvases of the page. */
export class Picture {
  /**
   * @param {object} parts
   * @param {HTMLCanvasElement} parts.traces
   * @param {HTMLCanvasElement} parts.strip
   * @param {Settings} parts.settings
   * @param {() => void} parts.onDrawn Called when a page has come, which `render` draws.
   * @param {(query: Query, error: unknown) => void} parts.onFailure Called when a page cannot come.
   */
  constructor({ traces, strip, settings, onDrawn, onFailure }) {
    this.canvas = traces;
    this.traces = new Traces(traces);
    this.strip = new Strip(strip);
    this.views = new Views((query, options) => getBytes("/api/page", query, options));
    this.settings = settings;
    this.onDrawn = onDrawn;
    this.onFailure = onFailure;
    /** @type {{key: string, query: Query, view: View} | null} What is on the screen. */
    this.drawn = null;
    this.requested = "";
    this.ahead = "";
    this.timer = 0;
    /** @type {Map<string, {signals: object, content: string}>} */
    this.last = new Map();
  }

  /**
   * Draw the state. A page that is not here yet is requested, and drawn when it comes.
   * @param {State} state
   */
  render(state) {
    const query = this.queryOf(state);
    const key = JSON.stringify(query);
    const isHere = this.drawn?.key === key;
    if (query && isHere) this.prefetch(state);
    else if (query && key !== this.requested) this.request(query, key);
    if (isHere) this.requested = key; // a page that was left before it came is not drawn
    this.canvas.classList.toggle("is-loading", !isHere);
    this.draw(state, key);
  }

  /** Forget what was requested, so that the next `render` requests again what is missing. */
  retry() {
    this.requested = "";
    this.ahead = "";
  }

  /**
   * Return the query of the page of a state; null before a recording is open.
   * @param {State} state
   */
  queryOf(state) {
    const recording = shownRecording(state);
    return recording && state.page ? this.writeQuery(recording, state.page.start) : null;
  }

  /**
   * @param {Query} query
   * @param {string} key
   */
  async request(query, key) {
    this.requested = key;
    try {
      const view = await this.views.get(query);
      if (this.requested !== key) return;
      this.drawn = { key, query, view };
      this.onDrawn();
    } catch (error) {
      if (this.requested !== key) return;
      if (isAbort(error))
        this.request(query, key); // a later request took its place
      else this.onFailure(query, error);
    }
  }

  /**
   * Fetch the pages that a key can ask for: those of the next questions, the next and the previous.
   * At a question an answer is more likely than another page, so these two come later.
   * @param {State} state
   */
  prefetch(state) {
    const questions = this.nextQuestions(state);
    const neighbours = this.neighbours(state);
    const ahead = JSON.stringify([questions, neighbours]);
    if (ahead === this.ahead) return;
    this.ahead = ahead;
    for (const query of questions) this.views.prefetch(query);
    const asked = askedQuestion(state);
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => neighbours.forEach((query) => this.views.prefetch(query)),
      asked && this.shows(state, asked) ? QUIET_MS : 0,
    );
  }

  /** @param {State} state */
  nextQuestions(state) {
    return state.questions.slice(1).flatMap((question) => {
      const recording = state.recordings.get(question.recording);
      if (!recording) return [];
      const { duration } = this.settings.displayOf(recording);
      return [this.writeQuery(recording, startAround(question, duration, recording.seconds))];
    });
  }

  /** @param {State} state */
  neighbours(state) {
    const recording = shownRecording(state);
    const { page } = state;
    if (!recording || !page) return [];
    const { duration } = this.settings.displayOf(recording);
    const starts = [page.start + duration, page.start - duration]
      .map((start) => clampStart(start, duration, recording.seconds))
      .filter((start) => start !== page.start);
    return starts.map((start) => this.writeQuery(recording, start));
  }

  /**
   * @param {Recording} recording
   * @param {number} start
   * @returns {Query}
   */
  writeQuery(recording, start) {
    const { montage, low, high, notch, duration } = this.settings.displayOf(recording);
    return {
      recording: recording.number,
      start,
      duration: Math.min(duration, recording.seconds),
      width: this.traces.width,
      montage,
      low: low ?? "off",
      high: high ?? "off",
      notch: notch ?? "off",
    };
  }

  /**
   * Draw both canvases. The traces stay as they are until their page comes.
   * @param {State} state
   * @param {string} key Of the page of the state.
   */
  draw(state, key) {
    const recording = shownRecording(state);
    if (!recording || !state.page) return;
    if (this.drawn?.key === key) this.drawTraces(state, recording, this.drawn.view);
    this.drawStrip(state, recording, state.page.start);
  }

  /**
   * Return whether the signals of a span are on the screen.
   * @param {State} state
   * @param {import("../state.js").Span} span
   */
  shows(state, { recording, onset, duration }) {
    if (this.drawn?.key !== JSON.stringify(this.queryOf(state))) return false;
    const { view, query } = this.drawn;
    const isInside = onset < view.start + view.duration && onset + duration > view.start;
    return query.recording === recording && isInside;
  }

  /**
   * @param {State} state
   * @param {Recording} recording
   * @param {View} view
   */
  drawTraces(state, recording, view) {
    const options = {
      sensitivity: this.settings.displayOf(recording).sensitivity,
      pixelsPerMm: this.settings.pixelsPerMm,
      negativeUp: this.settings.negativeUp,
      item: here(shadedSpan(state), recording),
      marks: marksOf(state, recording.number),
      selection: here(state.selection, recording),
      classes: state.session.classes,
    };
    this.once("traces", view, options, () => this.traces.draw(view, options));
  }

  /**
   * @param {State} state
   * @param {Recording} recording
   * @param {number} start Of the page, s.
   */
  drawStrip(state, recording, start) {
    const strip = state.strip?.recording === recording.number ? state.strip : NO_STRIP;
    const { onsets, durations, probabilities } = strip;
    const options = {
      seconds: recording.seconds,
      marks: marksOf(state, recording.number),
      page: { start, duration: this.settings.displayOf(recording).duration },
      item: here(shadedSpan(state), recording),
      classes: state.session.classes,
    };
    const windows = { onsets, durations, probabilities };
    this.once("strip", strip, options, () => this.strip.draw({ ...options, ...windows }));
  }

  /**
   * Draw a canvas if its signals or its options are others than those of the last time.
   * @param {string} canvas
   * @param {object} signals Compared by identity.
   * @param {object} options Compared by content.
   * @param {() => void} draw
   */
  once(canvas, signals, options, draw) {
    const content = JSON.stringify(options);
    const last = this.last.get(canvas);
    if (last?.signals === signals && last.content === content) return;
    this.last.set(canvas, { signals, content });
    draw();
  }
}

/**
 * Return the seconds that are shaded: those of the answer that is shown again, else the question's.
 * @param {State} state
 */
function shadedSpan(state) {
  return reviewedAnswer(state) ?? askedQuestion(state);
}

/** @param {unknown} error */
function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * @template {{recording: number}} T
 * @param {T | null} span
 * @param {Recording} recording
 */
function here(span, recording) {
  return span?.recording === recording.number ? span : null;
}
