/**
 * Traces: a page of signals on a canvas, as readers of EEG are used to.
 *
 * The style sheet sizes the canvas; the number of its pixels follows by itself, and so do the
 * colours of a theme. Beyond the contract of the page:
 *
 * - `draw` also takes `classes` of the session, which give marks their colours;
 * - `select(selection)` changes the selection alone, which is quick enough for a drag;
 * - `onResize()` is called after the width changed: request the view again, with the new `width`.
 *
 * @typedef {import("./views.js").View} View
 * @typedef {import("./colours.js").AnswerClass} AnswerClass
 * @typedef {{onset: number, duration: number, channels: string[]}} Interval
 *   in s on the clock of the recording; no channels: all
 * @typedef {Interval & {label: string}} Mark
 * @typedef {object} Settings
 * @property {number} sensitivity  µV/mm
 * @property {number} [pixelsPerMm]  CSS pixels of one millimetre on this screen
 * @property {boolean} [negativeUp]
 * @property {Interval | null} [item]  the window that is asked
 * @property {Mark[]} [marks]
 * @property {Interval | null} [selection]
 * @property {AnswerClass[]} [classes]
 */

import { Colours, watchTheme } from "./colours.js";
import { drawClock, drawNames, drawScaleBar, shorten } from "./labels.js";
import { Layer } from "./layer.js";
import { bandsOf, frameOf, isSameFrame, layLanes, measure, nearestLane } from "./layout.js";
import { digitsOf, formatSeconds, formatTime, gridSteps, multiples } from "./ruler.js";

export const PIXELS_PER_MM = 96 / 25.4; // of CSS; screens differ, so readers can calibrate

const DEFAULTS = {
  pixelsPerMm: PIXELS_PER_MM,
  negativeUp: false,
  item: null,
  marks: [],
  selection: null,
  classes: [],
};
const LABEL_HEIGHT = 15; // CSS pixels
const LABEL_WIDTH = 44; // CSS pixels, of a label whose mark is narrower

export class Traces {
  #canvas;
  #context;
  #layer = new Layer();
  /** @type {View | null} */
  #view = null;
  /** @type {Required<Settings> | null} */
  #settings = null;
  #frame = null;
  #lanes = null;
  #colours = null;
  #painted = ""; // what the layer shows

  /** @param {HTMLCanvasElement} canvas  sized by the style sheet */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.onResize = () => {};
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "no page of signals yet");
    watchTheme(() => this.#changeTheme());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    addEventListener("resize", () => this.#resize()); // another screen, with other pixels
  }

  /** @returns {number} columns of device pixels of the signals, for the query of a view */
  get width() {
    return frameOf(this.#canvas).area.width;
  }

  /** @returns {View | null} the view that is shown */
  get view() {
    return this.#view;
  }

  /** @returns {boolean} whether the page is drawn with the colours of a dark theme */
  get isDark() {
    return Boolean(this.#colours?.isDark);
  }

  /** @returns {Required<Settings> | null} the settings of the last `draw` */
  get settings() {
    return this.#settings;
  }

  /**
   * Draw a page of signals.
   *
   * @param {View} view
   * @param {Settings} settings
   */
  draw(view, settings) {
    if (view !== this.#view) this.#painted = "";
    this.#view = view;
    this.#settings = { ...DEFAULTS, ...settings };
    this.#render();
    this.#canvas.setAttribute("aria-label", describe(view, this.#settings));
  }

  /** Show another selection on the same page. @param {Interval | null} selection */
  select(selection) {
    if (!this.#view) return;
    this.#settings.selection = selection;
    this.#render();
  }

  /**
   * Return the time at a place of the screen, within the page.
   *
   * @param {number} clientX
   * @returns {number} s on the clock of the recording
   */
  timeAt(clientX) {
    if (!this.#view) return 0;
    const { area, ratio } = this.#frame;
    const x = (clientX - measure(this.#canvas).left) * ratio - area.left;
    const share = Math.min(Math.max(x / area.width, 0), 1);
    return this.#view.start + share * this.#view.duration;
  }

  /**
   * Return the trace nearest to a place of the screen.
   *
   * @param {number} clientY
   * @returns {number}  -1 on the clock below the traces, or without a view
   */
  traceAt(clientY) {
    if (!this.#view) return -1;
    const { top, height } = this.#frame.area;
    const y = (clientY - measure(this.#canvas).top) * this.#frame.ratio;
    return y > top + height ? -1 : nearestLane(this.#lanes, y);
  }

  #changeTheme() {
    this.#colours = null;
    this.#painted = "";
    this.#render();
  }

  #resize() {
    if (!this.#frame || isSameFrame(frameOf(this.#canvas), this.#frame)) return;
    this.#render();
    this.onResize();
  }

  #render() {
    if (!this.#view) return;
    this.#measure();
    this.#colours ??= Colours.of(this.#canvas);
    this.#paintLayer();
    const { area, width, height } = this.#frame;
    this.#context.fillStyle = this.#colours.css("paper");
    this.#context.fillRect(0, 0, width, height);
    this.#drawGrid();
    this.#drawGaps();
    this.#shadeIntervals();
    this.#context.drawImage(this.#layer.canvas, area.left, 0);
    this.#outlineIntervals();
    this.#drawLabels();
  }

  #measure() {
    const frame = frameOf(this.#canvas);
    if (!isSameFrame(frame, this.#frame)) {
      this.#canvas.width = frame.width;
      this.#canvas.height = frame.height;
    }
    this.#frame = frame;
    this.#lanes = layLanes(this.#view.groups, frame.area);
  }

  #paintLayer() {
    const { width, height } = this.#frame;
    const key = `${width} ${height} ${this.#pixelsPerUv()}`;
    if (key === this.#painted) return;
    const place = { frame: this.#frame, lanes: this.#lanes };
    this.#layer.paint(this.#view, place, this.#pixelsPerUv(), this.#colours);
    this.#painted = key;
  }

  #pixelsPerUv() {
    const { sensitivity, pixelsPerMm, negativeUp } = this.#settings;
    return ((negativeUp ? -1 : 1) * pixelsPerMm * this.#frame.ratio) / sensitivity;
  }

  /** Return the column of a time, also outside the page. */
  #columnAt(time) {
    const { left, width } = this.#frame.area;
    return left + ((time - this.#view.start) / this.#view.duration) * width;
  }

  #drawGrid() {
    const { start, duration } = this.#view;
    const { area, ratio } = this.#frame;
    const { minor, major } = gridSteps(duration);
    const linesPerMajor = Math.round(major / minor);
    const lineWidth = Math.max(Math.round(ratio), 1);
    for (const { time, number } of multiples(start, duration, minor)) {
      const isMajor = number % linesPerMajor === 0;
      this.#context.fillStyle = this.#colours.css(isMajor ? "grid-strong" : "grid");
      const x = Math.round(this.#columnAt(time) - lineWidth / 2);
      this.#context.fillRect(x, area.top, lineWidth, area.height);
    }
  }

  /** Shade what the recording has no samples of. */
  #drawGaps() {
    const { area } = this.#frame;
    this.#context.fillStyle = this.#colours.css("ink", 0.06);
    for (const [first, end] of this.#layer.gaps) {
      this.#context.fillRect(area.left + first, area.top, end - first, area.height);
    }
  }

  /** Return the intervals to show, with their colours, in the order they are drawn. */
  #intervals() {
    const { item, marks, selection, classes } = this.#settings;
    const coloured = marks.map((mark) => {
      const colour = (alpha) => this.#colours.ofLabel(classes, mark.label, alpha);
      return { interval: mark, colour, fill: 0.16, label: mark.label.replaceAll("_", " ") };
    });
    if (item) {
      const colour = (alpha) => this.#colours.css("item", alpha);
      coloured.unshift({ interval: item, colour, fill: 0.13, label: "" });
    }
    if (selection) {
      const colour = (alpha) => this.#colours.css("selection", alpha);
      const label = formatSeconds(selection.duration);
      coloured.push({ interval: selection, colour, fill: 0.22, label });
    }
    return coloured;
  }

  #eachBand(interval, draw) {
    const { area } = this.#frame;
    const right = area.left + area.width;
    const from = this.#columnAt(interval.onset);
    const to = this.#columnAt(interval.onset + interval.duration);
    if (to <= area.left || from >= right) return;
    const left = Math.max(from, area.left);
    const width = Math.max(Math.min(to, right) - left, 1);
    const edges = [from, to].filter((x) => x >= area.left && x <= right);
    const { channels } = this.#view;
    const bands = bandsOf(this.#lanes, channels, interval.channels ?? [], area);
    bands.forEach((band, number) => draw({ ...band, left, width, edges, number }));
  }

  #shadeIntervals() {
    for (const { interval, colour, fill } of this.#intervals()) {
      this.#context.fillStyle = colour(fill);
      this.#eachBand(interval, ({ left, top, width, height }) => {
        this.#context.fillRect(left, top, width, height);
      });
    }
  }

  #outlineIntervals() {
    const { ratio, area } = this.#frame;
    const lineWidth = Math.round(1.5 * ratio);
    for (const { interval, colour, label } of this.#intervals()) {
      this.#eachBand(interval, ({ left, top, width, height, edges, number }) => {
        this.#context.fillStyle = colour(0.9);
        for (const x of edges) {
          const inside = Math.min(x - lineWidth / 2, area.left + area.width - lineWidth);
          this.#context.fillRect(Math.max(Math.round(inside), area.left), top, lineWidth, height);
        }
        if (label && number === 0) this.#drawIntervalLabel(label, colour(1), { left, top, width });
      });
    }
  }

  #drawIntervalLabel(label, colour, { left: from, top, width: room }) {
    const { ratio, area } = this.#frame;
    const context = this.#context;
    const height = LABEL_HEIGHT * ratio;
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const padding = 8 * ratio;
    const text = shorten(context, label, Math.max(room, LABEL_WIDTH * ratio) - padding);
    const width = context.measureText(text).width + padding;
    const left = Math.min(from, area.left + area.width - width);
    context.fillStyle = colour;
    context.fillRect(left, top, width, height);
    context.fillStyle = this.#colours.css("paper");
    context.fillText(text, left + padding / 2, top + height / 2);
  }

  #drawLabels() {
    const place = { frame: this.#frame, lanes: this.#lanes };
    drawNames(this.#context, this.#view, place, this.#colours);
    drawClock(this.#context, this.#view, this.#frame, this.#colours);
    drawScaleBar(this.#context, Math.abs(this.#pixelsPerUv()), this.#frame, this.#colours);
  }
}

/** Describe a page in words, for readers that do not see it. */
function describe(view, { sensitivity, item, marks }) {
  const digits = digitsOf(gridSteps(view.duration).minor);
  const time = (seconds) => formatTime(seconds, digits);
  const interval = ({ onset, duration }) => `${time(onset)} to ${time(onset + duration)}`;
  const nBad = view.bads.filter(Boolean).length;
  const parts = [
    `EEG from ${time(view.start)} to ${time(view.start + view.duration)}`,
    `${view.nTraces} traces${nBad ? `, ${nBad} of bad channels` : ""}`,
    `${sensitivity} µV/mm`,
  ];
  if (item) parts.push(`asked: ${interval(item)}`);
  for (const mark of marks) parts.push(`marked ${mark.label}: ${interval(mark)}`);
  return parts.join("; ");
}
