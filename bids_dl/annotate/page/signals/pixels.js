/**
 * Lines as columns of pixels, anti-aliased.
 *
 * A column of pixels is covered from a top to a bottom. Where a neighbour goes on beyond an end,
 * the line passes there, and the end is a slope: it fades over as many pixels as the column is
 * high, as exact coverage of a slanted line does. Where no neighbour does, the line turns there,
 * and the end is sharp: a single spike keeps its full height and darkness.
 *
 * Stroking paths on the canvas looks alike, but takes ten times as long.
 *
 * @typedef {import("./columns.js").Columns} Columns
 */

/**
 * Return the pixels of a colour by their coverage, from 0 to 255.
 *
 * @param {[number, number, number, number]} rgba  each from 0 to 255
 * @returns {Uint32Array}
 */
export function shadesOf([red, green, blue, alpha]) {
  const opaque = (blue << 16) | (green << 8) | red; // little-endian RGBA
  return Uint32Array.from({ length: 256 }, (_, coverage) => {
    const opacity = Math.round((coverage * alpha) / 255);
    return ((opacity << 24) | opaque) >>> 0;
  });
}

/** Transparent pixels to draw traces on. */
export class Pixels {
  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.image = new ImageData(width, height);
    this.width = width;
    this.height = height;
    this.values = new Uint32Array(this.image.data.buffer);
  }

  clear() {
    this.values.fill(0);
  }

  /**
   * Draw the columns of a trace.
   *
   * @param {Columns} columns
   * @param {Uint32Array} shades  of the trace's colour
   * @param {number} lineWidth  pixels
   */
  drawColumns({ tops, bottoms }, shades, lineWidth) {
    const last = this.width - 1;
    for (let x = 0; x <= last; x++) {
      const top = tops[x];
      const bottom = bottoms[x];
      if (!(top <= bottom)) continue; // NaN: missing
      const height = bottom - top;
      const above = top - least(tops[x > 0 ? x - 1 : x], tops[x < last ? x + 1 : x]);
      const below = most(bottoms[x > 0 ? x - 1 : x], bottoms[x < last ? x + 1 : x]) - bottom;
      const slanted = (lineWidth * Math.sqrt(1 + height * height) - height) / 2;
      const passesTop = passing(above, height);
      const passesBottom = passing(below, height);
      this.#drawColumn(x, shades, {
        top: top - lineWidth / 2 - passesTop * (slanted - lineWidth / 2),
        bottom: bottom + lineWidth / 2 + passesBottom * (slanted - lineWidth / 2),
        fadeTop: Math.max(passesTop * height, 1),
        fadeBottom: Math.max(passesBottom * height, 1),
      });
    }
  }

  #drawColumn(x, shades, { top, bottom, fadeTop, fadeBottom }) {
    const { values, width, height } = this;
    const first = Math.max(Math.floor(top - fadeTop / 2), 0);
    const end = Math.min(Math.ceil(bottom + fadeBottom / 2), height);
    const solid = Math.min(Math.max(Math.ceil(top + fadeTop / 2 - 0.5), first), end);
    const solidEnd = Math.min(Math.max(Math.floor(bottom - fadeBottom / 2 + 0.5), solid), end);
    const perTop = 1 / fadeTop; // a product is quicker than a quotient
    const perBottom = 1 / fadeBottom;
    const blend = (from, to) => {
      for (let y = from; y < to; y++) {
        const upper = clamp((y + 0.5 - top) * perTop + 0.5);
        const lower = clamp((bottom - y - 0.5) * perBottom + 0.5);
        const i = y * width + x;
        const coverage = (values[i] >>> 24) + 255 * (upper + lower - 1);
        if (upper + lower > 1) values[i] = shades[coverage < 255 ? coverage | 0 : 255];
      }
    };
    blend(first, solid);
    const last = solidEnd * width;
    for (let i = solid * width + x; i < last; i += width) values[i] = shades[255];
    blend(solidEnd, end);
  }
}

function passing(excess, height) {
  return excess > 0 && height > 0 ? Math.min(excess / height, 1) : 0;
}

function clamp(value) {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/** Of two numbers, of which one may be NaN. */
function least(a, b) {
  return b < a || a !== a ? b : a;
}

function most(a, b) {
  return b > a || a !== a ? b : a;
}
