/** The picture of the signals alone, on a transparent ground: redrawn only if they change. */

import { Columns } from "./columns.js";
import { divisorOf } from "./kinds.js";
import { Pixels, shadesOf } from "./pixels.js";

const LINE_WIDTH = 1; // CSS pixels at most
const LINE_WIDTH_DENSE = 0.75; // CSS pixels at two device pixels each: as dark, but finer

export class Layer {
  /** @type {Pixels | null} */
  #pixels = null;
  /** @type {Columns | null} */
  #columns = null;

  constructor() {
    this.canvas = new OffscreenCanvas(1, 1);
    /** @type {[number, number][]} first and end column of intervals without any signal */
    this.gaps = [];
  }

  /**
   * Draw all traces of a view.
   *
   * @param {import("./views.js").View} view
   * @param {{frame: import("./layout.js").Frame, lanes: import("./layout.js").Lanes}} place
   * @param {number} pixelsPerUv  device pixels of one µV, negative for negative up
   * @param {import("./colours.js").Colours} colours
   */
  paint(view, { frame, lanes }, pixelsPerUv, colours) {
    this.#resize(frame.area.width, frame.height);
    const shades = shadesOf(colours.get("trace").rgba);
    const shadesBad = shadesOf(colours.get("trace-bad").rgba);
    const lineWidth = frame.ratio * (frame.ratio > 1.5 ? LINE_WIDTH_DENSE : LINE_WIDTH);
    const hasSignal = new Uint8Array(frame.area.width);
    for (let i = 0; i < view.nTraces; i++) {
      const scale = (-view.resolution * pixelsPerUv) / divisorOf(view.kinds[i]);
      this.#columns.fill(view, i, { centre: lanes.centres[i], scale });
      this.#pixels.drawColumns(this.#columns, view.bads[i] ? shadesBad : shades, lineWidth);
      this.#columns.tops.forEach((top, x) => (hasSignal[x] |= Number(top === top)));
    }
    this.canvas.getContext("2d").putImageData(this.#pixels.image, 0, 0);
    const columnsOfSample = (view.columnSeconds / view.duration) * frame.area.width;
    this.gaps = intervalsOfZeros(hasSignal).filter(([first, end]) => end - first > columnsOfSample);
  }

  #resize(width, height) {
    if (this.#pixels?.width === width && this.#pixels.height === height) {
      this.#pixels.clear();
      return;
    }
    this.#pixels = new Pixels(width, height);
    this.#columns = new Columns(width);
    this.canvas.width = width;
    this.canvas.height = height;
  }
}

function intervalsOfZeros(flags) {
  const intervals = [];
  let first = flags.indexOf(0);
  while (first !== -1) {
    const end = flags.indexOf(1, first);
    intervals.push([first, end === -1 ? flags.length : end]);
    first = end === -1 ? -1 : flags.indexOf(0, end);
  }
  return intervals;
}
