// @ts-check
/** All that the page shows, in one object, and what follows from it. */

/**
 * @typedef {import("./settings.js").Recording} Recording
 * @typedef {import("./settings.js").Display} Display
 * @typedef {import("./sending/answers.js").Entry} Entry
 *
 * @typedef {object} Session
 * @property {{name: string, key: string, hed: string}[]} classes
 * @property {string} unsure
 * @property {{number: number, name: string, seconds: number}[]} recordings
 * @property {number} window_seconds
 * @property {number} n_windows
 * @property {string | null} annotator
 * @property {string} title Name of the pool.
 * @property {string} folder Identity of the folder of answers.
 * @property {{low: (number | null)[], high: (number | null)[], notch: (number | null)[]}} filters
 *
 * @typedef {object} Span Some seconds of some channels; all channels if the list is empty.
 * @property {number} recording
 * @property {number} onset s
 * @property {number} duration s
 * @property {string[]} channels
 *
 * @typedef {Span & {item: string, reason: string, strategy: string, round: number,
 *   opinion?: Record<string, number> | null}} Question The opinion is there with --show-opinion.
 *
 * @typedef {Span & {id: string, label: string, strategy: string, time: string,
 *   opinion?: Record<string, number> | null, question?: Question}} Answer
 *
 * @typedef {object} State
 * @property {Session} session
 * @property {string} annotator
 * @property {string} tab UUID of this tab.
 * @property {Map<number, Recording>} recordings Those that were opened so far, by number.
 * @property {Map<number, string>} unreadable Sentences about recordings, by number.
 * @property {{recording: number, start: number} | null} page
 * @property {readonly Question[]} questions The first one is asked; the others come next.
 * @property {string} message Reason for which no question is left.
 * @property {Question | null} seen The last question whose signals were drawn.
 * @property {number} seenAt Milliseconds at which they were drawn.
 * @property {Span | null} selection Mark that waits for its class.
 * @property {string} reviewed Id of the answer that is shown again; "" if none is.
 * @property {readonly Answer[]} answers Newest first.
 * @property {ReadonlySet<string>} undone Ids of answers.
 * @property {any} status Of `/api/status`.
 * @property {any} strip Of `/api/strip`, with the number of its recording.
 * @property {"ok" | "unreachable" | "failing" | "forbidden" | "replaced"} connection
 * @property {string} problem Sentence of the last failure that may pass.
 * @property {readonly Entry[]} waiting Answers that the server does not have yet.
 * @property {readonly Entry[]} refused Answers that the server did not accept.
 * @property {boolean} isKept A reload of the page keeps the two lists.
 */

/**
 * Make the state at the start.
 * @param {Session} session
 * @param {string} annotator
 * @param {string} tab
 * @returns {State}
 */
export function makeState(session, annotator, tab) {
  return {
    session,
    annotator,
    tab,
    recordings: new Map(),
    unreadable: new Map(),
    page: null,
    questions: [],
    message: "",
    seen: null,
    seenAt: 0,
    selection: null,
    reviewed: "",
    answers: [],
    undone: new Set(),
    status: null,
    strip: null,
    connection: "ok",
    problem: "",
    waiting: [],
    refused: [],
    isKept: true,
  };
}

/** Name of the class without an event. */
export const BACKGROUND = "background";

/**
 * Return the classes of events: all but the background.
 * @param {State} state
 */
export function eventClasses({ session }) {
  return session.classes.filter(({ name }) => name !== BACKGROUND);
}

/**
 * Return the question that is asked.
 * @param {State} state
 */
export function askedQuestion(state) {
  return state.questions[0] ?? null;
}

/**
 * Return the answer that is shown again, so that a class key changes it.
 * @param {State} state
 */
export function reviewedAnswer(state) {
  return state.answers.find(({ id }) => id === state.reviewed) ?? null;
}

/**
 * Return the recording of the page, if it was opened.
 * @param {State} state
 */
export function shownRecording(state) {
  return state.page ? (state.recordings.get(state.page.recording) ?? null) : null;
}

/**
 * Return the name of a recording.
 * @param {State} state
 * @param {number} number
 */
export function recordingName(state, number) {
  return state.session.recordings.find((one) => one.number === number)?.name ?? `${number}`;
}

/**
 * Return the length of a recording in s.
 * @param {State} state
 * @param {number} number
 */
export function recordingSeconds(state, number) {
  const listed = state.session.recordings.find((one) => one.number === number)?.seconds ?? 0;
  return state.recordings.get(number)?.seconds ?? listed;
}

/**
 * Return marks of a recording: answers of the log, with those of this tab that are newer.
 *
 * Windows of the background and unsure ones are answers but no marks of an event.
 * @param {State} state
 * @param {number} recording
 */
export function marksOf(state, recording) {
  const stored = state.strip?.recording === recording ? state.strip.marks : [];
  const recent = state.answers.filter((answer) => answer.recording === recording);
  const marks = new Map([...stored, ...recent].map((mark) => [mark.id, mark]));
  const events = eventClasses(state).map(({ name }) => name);
  return [...marks.values()].filter(
    ({ id, label }) => !state.undone.has(id) && events.includes(label),
  );
}

/**
 * Return the start of the page that has a span in its middle, on a whole second if it can be.
 * @param {{onset: number, duration: number}} span
 * @param {number} pageSeconds
 * @param {number} seconds Length of the recording.
 */
export function startAround(span, pageSeconds, seconds) {
  const start = span.onset + span.duration / 2 - pageSeconds / 2;
  const isWhole = pageSeconds >= 2 && Math.floor(start) + pageSeconds >= span.onset + span.duration;
  return clampStart(isWhole ? Math.floor(start) : start, pageSeconds, seconds);
}

/**
 * Keep a page inside its recording.
 * @param {number} start
 * @param {number} pageSeconds
 * @param {number} seconds Length of the recording.
 */
export function clampStart(start, pageSeconds, seconds) {
  const latest = Math.max(seconds - pageSeconds, 0);
  return Math.round(Math.min(Math.max(start, 0), latest) * 1000) / 1000;
}
