/**
 * Marks: a selection of seconds and traces, by pointer (mouse, pen, touch) or by keyboard.
 *
 * A drag over the signals selects the seconds and the traces that it crosses, in any direction; a
 * drag on the clock below them selects all traces. A click without a drag selects nothing, and so
 * does Esc. Beyond the contract of the page: `watchDrag` returns a `Selector` with
 * `grow(side, steps)`, `cancel()` and `stop()`, which the keys of the page call.
 *
 * @typedef {"left" | "right" | "up" | "down"} Side
 * @typedef {object} Selection
 * @property {number} onset  s on the clock of the recording
 * @property {number} duration  s
 * @property {string[]} channels  recorded channels of the traces; none: all
 */

const MIN_PIXELS = 4; // CSS pixels of a drag; less is a click
const MIN_SECONDS = 0.002; // shorter than any ripple
const STEPS_OF_PAGE = 100; // keys move an edge by a hundredth of the page
const STEPS_PER_SECOND = 1e4; // of onsets and durations, so that they are short numbers

/**
 * Select by dragging over the traces.
 *
 * @param {HTMLElement} element  that holds the traces, usually their canvas
 * @param {import("./traces.js").Traces} traces
 * @param {(selection: Selection | null) => void} onSelect  called after each finished selection
 * @returns {Selector}
 */
export function watchDrag(element, traces, onSelect) {
  return new Selector(element, traces, onSelect);
}

/** The selection of a page, and the events that change it. */
export class Selector {
  #element;
  #traces;
  #onSelect;
  #listening = new AbortController();
  /** @type {{pointer: number, x: number, y: number} | null} where the drag began */
  #drag = null;
  /** @type {{from: number, to: number, first: number, last: number} | null} s, traces */
  #range = null;

  constructor(element, traces, onSelect) {
    this.#element = element;
    this.#traces = traces;
    this.#onSelect = onSelect;
    element.style.touchAction = "none"; // a finger marks, it does not scroll
    const listen = (target, type, handle) =>
      target.addEventListener(type, handle, { signal: this.#listening.signal });
    listen(element, "pointerdown", (event) => this.#begin(event));
    listen(element, "pointermove", (event) => this.#move(event));
    listen(element, "pointerup", (event) => this.#end(event));
    listen(element, "pointercancel", () => this.cancel());
    listen(window, "keydown", (event) => {
      if (event.key === "Escape" && (this.#drag || this.#range)) this.cancel();
    });
  }

  /**
   * Move one edge of the selection outwards, or inwards with negative steps.
   *
   * Without a selection, the asked window is selected first, or the middle tenth of the page.
   *
   * @param {Side} side
   * @param {number} [steps]  hundredths of the page, or traces
   */
  grow(side, steps = 1) {
    const { view } = this.#traces;
    if (!view) return;
    const current = this.#currentRange() ?? this.#startRange();
    const seconds = (steps * view.duration) / STEPS_OF_PAGE;
    if (side === "left") current.from -= seconds;
    if (side === "right") current.to += seconds;
    if (side === "up") current.first -= steps;
    if (side === "down") current.last += steps;
    const isEmpty = current.to - current.from < MIN_SECONDS || current.last < current.first;
    if (isEmpty) return;
    this.#range = current;
    this.#onSelect(this.#show());
  }

  /** Select nothing, and end a drag. */
  cancel() {
    if (this.#drag) this.#release();
    this.#range = null;
    this.#traces.select(null);
    this.#onSelect(null);
  }

  /** Listen to no more events. */
  stop() {
    this.#listening.abort();
  }

  #begin(event) {
    if (!event.isPrimary || event.button !== 0 || !this.#traces.view) return;
    this.#drag = { pointer: event.pointerId, x: event.clientX, y: event.clientY };
    this.#range = null;
    this.#element.setPointerCapture(event.pointerId);
  }

  #move(event) {
    if (event.pointerId !== this.#drag?.pointer) return;
    if (!this.#isDrag(event) && !this.#range) return;
    this.#range = this.#rangeTo(event);
    this.#show();
  }

  #end(event) {
    if (event.pointerId !== this.#drag?.pointer) return;
    const range = this.#isDrag(event) ? this.#rangeTo(event) : null;
    this.#release();
    if (!range || range.to - range.from < MIN_SECONDS) {
      this.cancel();
      return;
    }
    this.#range = range;
    this.#onSelect(this.#show());
  }

  #release() {
    const { pointer } = this.#drag;
    this.#drag = null;
    if (this.#element.hasPointerCapture(pointer)) this.#element.releasePointerCapture(pointer);
  }

  #isDrag(event) {
    return Math.abs(event.clientX - this.#drag.x) >= MIN_PIXELS;
  }

  #rangeTo(event) {
    const times = [this.#traces.timeAt(this.#drag.x), this.#traces.timeAt(event.clientX)];
    const [from, to] = times.sort((a, b) => a - b);
    const start = this.#traces.traceAt(this.#drag.y);
    if (start === -1) return { from, to, first: 0, last: this.#traces.view.nTraces - 1 };
    const end = this.#traces.traceAt(event.clientY);
    const last = end === -1 ? this.#traces.view.nTraces - 1 : end;
    return { from, to, first: Math.min(start, last), last: Math.max(start, last) };
  }

  /** Return the range as it is, if the page still shows some of it. */
  #currentRange() {
    const { settings, view } = this.#traces;
    const isShown = settings.selection && this.#range && this.#range.last < view.nTraces;
    return isShown ? { ...this.#range } : null;
  }

  #startRange() {
    const { view, settings } = this.#traces;
    const { onset, duration } = settings.item ?? { onset: Infinity, duration: 0 };
    const isOnPage = onset < view.start + view.duration && onset + duration > view.start;
    const from = isOnPage ? onset : view.start + 0.45 * view.duration;
    const to = isOnPage ? onset + duration : from + 0.1 * view.duration;
    return { from, to, first: 0, last: view.nTraces - 1 };
  }

  /** Show the range as a selection, kept within the page, and return the selection. */
  #show() {
    const { view } = this.#traces;
    const range = this.#range;
    range.from = Math.max(range.from, view.start);
    range.to = Math.min(range.to, view.start + view.duration);
    range.first = Math.max(range.first, 0);
    range.last = Math.min(range.last, view.nTraces - 1);
    const chosen = view.channels.slice(range.first, range.last + 1);
    const isAll = range.first === 0 && range.last === view.nTraces - 1;
    const first = Math.floor(range.from * STEPS_PER_SECOND); // never beyond the recording
    const end = Math.floor(range.to * STEPS_PER_SECOND);
    const selection = {
      onset: first / STEPS_PER_SECOND,
      duration: (end - first) / STEPS_PER_SECOND,
      channels: isAll ? [] : [...new Set(chosen.flat())],
    };
    this.#traces.select(selection);
    return selection;
  }
}
