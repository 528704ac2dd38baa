/**
 * Columns of pixels of a trace: from what height to what height each is covered.
 *
 * A column covers its samples and the gap to its neighbours, so that slopes never break. Heights
 * are in pixels from the top; NaN where the signal is missing.
 *
 * @typedef {import("./views.js").View} View
 * @typedef {{centre: number, scale: number}} Axis  height of zero µV, pixels of one unit downwards
 */

import { View } from "./views.js";

/** Tops and bottoms of the columns of one trace, used again for the next trace. */
export class Columns {
  /** @param {number} width  columns of pixels */
  constructor(width) {
    this.width = width;
    this.tops = new Float32Array(width);
    this.bottoms = new Float32Array(width);
  }

  /**
   * Fill the columns with a trace of a view.
   *
   * @param {View} view
   * @param {number} trace
   * @param {Axis} axis
   */
  fill(view, trace, axis) {
    this.tops.fill(NaN);
    this.bottoms.fill(NaN);
    const place = {
      first: ((view.firstTime - view.start) / view.duration) * this.width,
      step: (view.columnSeconds / view.duration) * this.width,
    };
    if (view.isLine) {
      this.#fillLine(view.minima(trace), axis, place);
    } else {
      this.#fillEnvelope(view.minima(trace), view.maxima(trace), axis, place);
      this.#joinNeighbours();
    }
  }

  /** Draw straight lines from sample to sample. */
  #fillLine(samples, { centre, scale }, { first, step }) {
    for (let i = 0; i < samples.length; i++) {
      if (samples[i] === View.MISSING) continue;
      const x = first + i * step;
      const y = centre + samples[i] * scale;
      const isLast = i + 1 === samples.length || samples[i + 1] === View.MISSING;
      if (isLast) {
        this.#cover(Math.floor(x), y, y);
      } else {
        this.#coverLine(x, y, x + step, centre + samples[i + 1] * scale);
      }
    }
  }

  #coverLine(x0, y0, x1, y1) {
    const slope = (y1 - y0) / (x1 - x0);
    const last = Math.min(Math.floor(x1), this.width - 1);
    for (let column = Math.max(Math.floor(x0), 0); column <= last; column++) {
      const from = y0 + slope * (Math.max(x0, column) - x0);
      const to = y0 + slope * (Math.min(x1, column + 1) - x0);
      this.#cover(column, Math.min(from, to), Math.max(from, to));
    }
  }

  /** Merge the columns of the view that fall on a column of pixels, or repeat them. */
  #fillEnvelope(minima, maxima, { centre, scale }, { first, step }) {
    const [upper, lower] = scale < 0 ? [maxima, minima] : [minima, maxima];
    for (let i = 0; i < minima.length; i++) {
      if (minima[i] === View.MISSING) continue;
      const top = centre + upper[i] * scale;
      const bottom = centre + lower[i] * scale;
      const column = Math.floor(first + i * step + 1e-3); // 1e-3: 2.9999999 is 3
      const next = Math.max(Math.floor(first + (i + 1) * step + 1e-3), column + 1);
      for (let j = column; j < next; j++) this.#cover(j, top, bottom);
    }
  }

  #cover(column, top, bottom) {
    if (column < 0 || column >= this.width) return;
    const { tops, bottoms } = this;
    if (!(tops[column] <= top)) tops[column] = top; // also if it is NaN
    if (!(bottoms[column] >= bottom)) bottoms[column] = bottom;
  }

  /** Let neighbours that do not overlap meet half-way. */
  #joinNeighbours() {
    const { tops, bottoms } = this;
    for (let i = 1; i < this.width; i++) {
      if (tops[i] > bottoms[i - 1]) {
        tops[i] = bottoms[i - 1] = (tops[i] + bottoms[i - 1]) / 2;
      } else if (bottoms[i] < tops[i - 1]) {
        bottoms[i] = tops[i - 1] = (bottoms[i] + tops[i - 1]) / 2;
      }
    }
  }
}
