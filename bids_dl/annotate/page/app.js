// @ts-check
/**
 * The page as a whole. The state is one object: whatever happens calls `update` with what changed,
 * and `render` makes the page show the state. Requests run in the background and end in `update`.
 */

import { mergeAnswers, Outbox } from "./sending/answers.js";
import { renderBar } from "./panels/bar.js";
import { makeCommands } from "./commands.js";
import { Connection } from "./sending/connection.js";
import { find } from "./panels/dom.js";
import { renderFigures } from "./panels/figures.js";
import { watchDrag } from "./signals/marks.js";
import { centre, openRecording, showQuestion } from "./navigation.js";
import { renderPanels } from "./panels/panels.js";
import { Picture } from "./panels/picture.js";
import { Questions } from "./questions.js";
import { getJson, postJson, RequestError } from "./sending/requests.js";
import { PageStorage } from "./sending/storage.js";
import { Settings } from "./settings.js";
import { askedQuestion, makeState } from "./state.js";

/**
 * @typedef {import("./state.js").State} State
 * @typedef {import("./sending/answers.js").Entry} Entry
 * @typedef {import("./state.js").Session} Session
 */

/** Everything that the modules of the page share. */
export class App {
  /**
   * @param {Session} session
   * @param {string} annotator
   * @param {string} tab
   */
  constructor(session, annotator, tab) {
    this.state = makeState(session, annotator, tab);
    this.isRenderPending = false;
    const storage = new PageStorage(() => localStorage);
    this.settings = new Settings(storage);
    this.outbox = new Outbox(storage, `${session.folder} ${annotator}`, (entry) =>
      this.post(entry),
    );
    this.questions = new Questions(
      (count) => getJson("/api/next", { annotator, tab, count }),
      (questions, message) => this.update({ questions, message }),
    );
    this.picture = new Picture({
      traces: find("traces"),
      strip: find("strip"),
      settings: this.settings,
      onDrawn: () => this.noteDrawn(),
      onFailure: ({ recording }, error) => this.reportUnreadable(Number(recording), error),
    });
    this.picture.traces.onResize = () => this.update({});
    this.picture.strip.onJump = (time) => centre(this, time);
    this.selector = watchDrag(find("traces"), this.picture.traces, (span) => this.select(span));
    this.requestedStrip = "";
    this.hasAnswers = false;
    this.connection = new Connection(this);
    this.commands = makeCommands(this);
  }

  /**
   * Change the state, and render it once after all changes of this task.
   * @param {Partial<State>} changes
   */
  update(changes) {
    Object.assign(this.state, changes);
    if (this.isRenderPending) return;
    this.isRenderPending = true;
    queueMicrotask(() => this.render());
  }

  render() {
    this.isRenderPending = false;
    this.picture.render(this.state);
    this.noteSeen();
    this.loadStrip();
    renderBar(this);
    renderPanels(this);
    renderFigures(this);
  }

  /** Note when the signals of the question came on the screen. */
  noteSeen() {
    const question = askedQuestion(this.state);
    if (!question || this.state.seen === question) return;
    if (!this.picture.shows(this.state, question)) return;
    this.state.seen = question;
    this.state.seenAt = performance.now();
  }

  /** Show what `picture` has, and that its recording can be read after all. */
  noteDrawn() {
    const unreadable = new Map(this.state.unreadable);
    if (this.state.page) unreadable.delete(this.state.page.recording);
    this.update({ unreadable });
  }

  /** Ask the first question, and keep on. */
  async start() {
    this.outbox.onChange = () => this.noteEntries();
    this.outbox.onSaved = (entry, response) => this.noteSaved(entry, response);
    this.outbox.onFailure = (error) => this.connection.lose(error);
    this.noteEntries();
    this.outbox.send();
    await Promise.all([this.loadAnswers(), this.fill()]);
    this.connection.poll();
  }

  /** Go on after the server was away. */
  resume() {
    this.outbox.resume();
    this.picture.retry();
    this.requestedStrip = "";
    if (!this.hasAnswers) this.loadAnswers();
    this.fill();
  }

  async loadAnswers() {
    const { annotator } = this.state;
    await this.attempt(async () => {
      const { answers } = await getJson("/api/answers", { annotator });
      const recent = new Map(this.state.answers.map((answer) => [answer.id, answer]));
      const merged = mergeAnswers(answers, this.outbox.entries);
      this.update({ answers: merged.map((answer) => recent.get(answer.id) ?? answer) });
      this.hasAnswers = true;
    });
  }

  /** Hold questions ahead, and open their recordings. Shows the question if none was shown. */
  async fill() {
    const unsent = this.outbox.waiting.map(({ item }) => item);
    const wasEmpty = !askedQuestion(this.state);
    await this.attempt(() => this.questions.fill(unsent));
    for (const { recording } of this.state.questions) openRecording(this, recording);
    if (wasEmpty && askedQuestion(this.state) && !this.state.reviewed) showQuestion(this);
  }

  /**
   * Request something that is requested again when the server is back.
   * @param {() => Promise<void>} request
   */
  async attempt(request) {
    try {
      await request();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.isTransient) this.connection.lose(error);
      else this.update({ message: `The server says: ${error.message}.` });
    }
  }

  /**
   * Post an answer, a change or an undo.
   * @param {Entry} entry
   */
  post({ id, kind, answer, body }) {
    const path = kind === "answer" ? "/api/answers" : `/api/answers/${answer.id}/${kind}`;
    return postJson(path, { id, annotator: this.state.annotator, ...body });
  }

  noteEntries() {
    const { waiting, refused, isKept } = this.outbox;
    this.update({ waiting, refused, isKept });
  }

  /**
   * @param {Entry} entry
   * @param {any} response
   */
  noteSaved(entry, response) {
    const { opinion = null, status } = response;
    const answers = this.state.answers.map((answer) =>
      answer.id === entry.id ? { ...answer, opinion } : answer,
    );
    this.update({ answers });
    if (status) this.takeStatus(status);
    this.fill();
  }

  /** @param {any} status Of the server. */
  takeStatus(status) {
    this.update({ status });
    if (!askedQuestion(this.state)) this.fill();
  }

  /** Request the strip of the recording that is shown, once per recording and model. */
  async loadStrip() {
    const { page, status, annotator } = this.state;
    if (!page || !status) return;
    const { recording } = page;
    const wanted = `${recording} ${status.round.number} ${status.round.state}`;
    if (wanted === this.requestedStrip) return;
    this.requestedStrip = wanted;
    await this.attempt(async () => {
      const strip = await getJson("/api/strip", { recording, annotator });
      if (this.requestedStrip === wanted) this.update({ strip: { ...strip, recording } });
    });
  }

  /** @param {{onset: number, duration: number, channels: string[]} | null} span */
  select(span) {
    const recording = this.state.page?.recording ?? 0;
    this.update({ selection: span && { ...span, recording } });
  }

  /**
   * Show why a recording cannot be drawn.
   * @param {number} recording
   * @param {unknown} error
   */
  reportUnreadable(recording, error) {
    if (error instanceof RequestError && error.isTransient) {
      this.connection.lose(error);
      return;
    }
    const sentence = error instanceof Error ? error.message : String(error);
    this.update({ unreadable: new Map(this.state.unreadable).set(recording, sentence) });
  }
}
