/**
 * Strip: a whole recording at a glance, with the model's probability, marks and the page.
 *
 * Each column shows the highest probability of the windows that fall on it, so that a short event
 * is visible in a day. Windows whose probability is hidden are hatched.
 *
 * @typedef {object} StripState
 * @property {number} seconds  of the recording
 * @property {number[]} onsets  of the windows, s
 * @property {number[]} durations  s
 * @property {(number | null)[]} probabilities  null: hidden, or no model yet
 * @property {import("./traces.js").Mark[]} marks
 * @property {{start: number, duration: number}} page
 * @property {{onset: number, duration: number} | null} item
 * @property {import("./colours.js").AnswerClass[]} classes
 */

import { Colours, watchTheme } from "./colours.js";
import { measure } from "./layout.js";
import { formatTime } from "./ruler.js";

const NONE = -2; // no window on this column
const HIDDEN = -1; // windows without a probability only
const MARK_HEIGHT = 7; // CSS pixels
const MIN_PAGE_WIDTH = 5; // CSS pixels: the frame of a page in a day
const HATCH_DISTANCE = 6; // CSS pixels

export class Strip {
  #canvas;
  #context;
  /** @type {StripState | null} */
  #state = null;
  #colours = null;
  #columns = { key: null, width: 0, values: new Float32Array(0) };

  /** @param {HTMLCanvasElement} canvas  sized by the style sheet */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    /** @type {(time: number) => void} called with the time that a click or drag points at, s */
    this.onJump = () => {};
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "no recording yet");
    canvas.style.touchAction = "none"; // a finger jumps, it does not scroll
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    watchTheme(() => {
      this.#colours = null;
      this.#render();
    });
    new ResizeObserver(() => this.#render()).observe(canvas);
  }

  /** @param {StripState} state */
  draw(state) {
    this.#state = state;
    this.#render();
    this.#canvas.setAttribute("aria-label", describe(state));
  }

  /** @param {number} clientX @returns {number} s, within the recording */
  timeAt(clientX) {
    const { left, width, ratio } = measure(this.#canvas);
    const share = ((clientX - left) * ratio) / width;
    return Math.min(Math.max(share, 0), 1) * this.#state.seconds;
  }

  #press(event) {
    if (!this.#state || !event.isPrimary || event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.onJump(this.timeAt(event.clientX));
  }

  #drag(event) {
    if (this.#canvas.hasPointerCapture(event.pointerId)) this.onJump(this.timeAt(event.clientX));
  }

  #render() {
    if (!this.#state) return;
    const { width, height, ratio } = this.#resize();
    this.#colours ??= Colours.of(this.#canvas);
    this.#context.fillStyle = this.#colours.css("strip");
    this.#context.fillRect(0, 0, width, height);
    this.#drawProbabilities(width, height, ratio);
    this.#drawMarks(width, height, ratio);
    this.#drawItem(width, height, ratio);
    this.#drawPage(width, height, ratio);
  }

  #resize() {
    const { width, height, ratio } = measure(this.#canvas);
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    return { width, height, ratio };
  }

  #columnAt(time) {
    return (time / this.#state.seconds) * this.#canvas.width;
  }

  #drawProbabilities(width, height, ratio) {
    const values = this.#valuesOfColumns(width);
    const room = height - (MARK_HEIGHT + 2) * ratio;
    const hatch = Math.round(HATCH_DISTANCE * ratio);
    const line = Math.max(Math.round(ratio), 1);
    this.#context.fillStyle = this.#colours.css("ink", 0.14);
    for (let x = 0; x < width; x++) {
      if (values[x] === HIDDEN && x % hatch < line) {
        this.#context.fillRect(x, height - room, 1, room);
      }
    }
    this.#context.fillStyle = this.#colours.css("probability");
    for (let x = 0; x < width; x++) {
      const bar = Math.max(Math.round(values[x] * room), 1);
      if (values[x] >= 0) this.#context.fillRect(x, height - bar, 1, bar);
    }
  }

  /** Return the highest probability on each column; computed again only if the windows change. */
  #valuesOfColumns(width) {
    const { onsets, durations, probabilities, seconds } = this.#state;
    if (this.#columns.key !== probabilities || this.#columns.width !== width) {
      const windows = { onsets, durations, probabilities };
      const values = highestOnColumns(windows, width / seconds, width);
      this.#columns = { key: probabilities, width, values };
    }
    return this.#columns.values;
  }

  #drawMarks(width, height, ratio) {
    const { marks, classes } = this.#state;
    const least = Math.max(2 * ratio, 1);
    for (const { onset, duration, label } of marks) {
      const x = Math.floor(this.#columnAt(onset));
      this.#context.fillStyle = this.#colours.ofLabel(classes, label);
      const markWidth = Math.max(Math.round(this.#columnAt(duration)), least);
      this.#context.fillRect(Math.min(x, width - least), 0, markWidth, MARK_HEIGHT * ratio);
    }
  }

  #drawItem(width, height, ratio) {
    const { item } = this.#state;
    if (!item) return;
    const edge = Math.max(Math.round(1.5 * ratio), 1);
    const itemWidth = Math.max(Math.round(this.#columnAt(item.duration)), 2 * edge);
    const x = Math.min(Math.floor(this.#columnAt(item.onset)), width - itemWidth);
    this.#context.fillStyle = this.#colours.css("item", 0.25);
    this.#context.fillRect(x, 0, itemWidth, height);
    this.#context.fillStyle = this.#colours.css("item");
    this.#context.fillRect(x, 0, edge, height);
    this.#context.fillRect(x + itemWidth - edge, 0, edge, height);
  }

  #drawPage(width, height, ratio) {
    const { page } = this.#state;
    const line = Math.max(Math.round(1.5 * ratio), 1);
    const pageWidth = Math.max(this.#columnAt(page.duration), MIN_PAGE_WIDTH * ratio);
    const middle = this.#columnAt(page.start + page.duration / 2);
    const left = Math.min(Math.max(middle - pageWidth / 2, 0), width - pageWidth);
    this.#context.fillStyle = this.#colours.css("ink", 0.08);
    this.#context.fillRect(left, 0, pageWidth, height);
    this.#context.strokeStyle = this.#colours.css("ink", 0.85);
    this.#context.lineWidth = line;
    this.#context.strokeRect(left + line / 2, line / 2, pageWidth - line, height - line);
  }
}

/** Spread windows over columns, and keep the highest probability of each column. */
function highestOnColumns({ onsets, durations, probabilities }, columnsPerSecond, width) {
  const values = new Float32Array(width).fill(NONE);
  for (let i = 0; i < onsets.length; i++) {
    const value = probabilities[i] ?? HIDDEN;
    const first = Math.max(Math.floor(onsets[i] * columnsPerSecond), 0);
    const end = Math.ceil((onsets[i] + durations[i]) * columnsPerSecond - 1e-6);
    const last = Math.min(Math.max(end, first + 1), width);
    for (let x = first; x < last; x++) {
      if (value > values[x]) values[x] = value;
    }
  }
  return values;
}

function describe({ seconds, marks, page, item }) {
  const parts = [
    `recording of ${formatTime(seconds)}`,
    `page at ${formatTime(page.start)}`,
    `${marks.length} marks`,
  ];
  if (item) parts.push(`asked at ${formatTime(item.onset)}`);
  return parts.join("; ");
}
