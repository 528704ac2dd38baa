/**
 * Colours of the page, read from the variables of the style sheet once per theme.
 *
 * Classes have the variable of their key: a class with the key 3 has `--class-3`. An answer
 * without a class, such as "unsure", has `--mark`.
 *
 * @typedef {{css: string, rgba: [number, number, number, number]}} Colour
 * @typedef {{name: string, key: string}} AnswerClass  as in `/api/session`
 */

const NAMES = [
  ...["paper", "ink", "trace", "trace-bad", "grid", "grid-strong", "item", "mark", "selection"],
  ...["strip", "probability"],
  ...Array.from({ length: 10 }, (_, key) => `class-${key}`),
];
const GOLDEN_ANGLE = 137.5; // degrees: hues of neighbouring groups are far apart

/**
 * Return the name of the variable of an answer's colour, without the dashes.
 *
 * @param {AnswerClass[]} classes
 * @param {string} label
 * @returns {string}
 */
export function classVariable(classes, label) {
  const found = classes?.find(({ name }) => name === label);
  return found ? `class-${Number(found.key) % 10}` : "mark";
}

/** The colours of one theme. */
export class Colours {
  /** @type {Map<string, Colour>} */
  #colours;

  /** @param {Map<string, Colour>} colours */
  constructor(colours) {
    this.#colours = colours;
    this.isDark = luminance(colours.get("paper").rgba) < 0.5;
  }

  /**
   * Read the colours that apply to an element.
   *
   * The browser resolves the variables, because they may hold any colour of CSS.
   *
   * @param {Element} element
   * @returns {Colours}
   */
  static of(element) {
    const probe = document.createElement("span");
    probe.hidden = true;
    element.parentElement.append(probe);
    const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const colours = new Map(NAMES.map((name) => [name, readColour(probe, name, pixel)]));
    probe.remove();
    return new Colours(colours);
  }

  /** @param {string} name @returns {Colour} */
  get(name) {
    return this.#colours.get(name);
  }

  /** @param {string} name @param {number} [alpha] from 0 to 1 @returns {string} for a canvas */
  css(name, alpha = 1) {
    const [red, green, blue, opacity] = this.#colours.get(name).rgba;
    return `rgb(${red} ${green} ${blue} / ${(alpha * opacity) / 255})`;
  }

  /** @param {AnswerClass[]} classes @param {string} label @param {number} [alpha] */
  ofLabel(classes, label, alpha = 1) {
    return this.css(classVariable(classes, label), alpha);
  }

  /** @param {number} number of a group @returns {string} a quiet colour of its names */
  ofGroup(number) {
    const hue = (210 + number * GOLDEN_ANGLE) % 360;
    return this.isDark ? `hsl(${hue} 38% 76%)` : `hsl(${hue} 45% 30%)`;
  }
}

function readColour(probe, name, pixel) {
  probe.style.color = `var(--${name})`;
  const css = getComputedStyle(probe).color;
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = css;
  pixel.fillRect(0, 0, 1, 1);
  return { css, rgba: [...pixel.getImageData(0, 0, 1, 1).data] };
}

function luminance([red, green, blue]) {
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

/**
 * Call back when the theme may have changed: the system's, or an attribute of the page's root.
 *
 * @param {() => void} onChange
 */
export function watchTheme(onChange) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
  const root = { attributes: true, attributeFilter: ["class", "data-theme", "style"] };
  new MutationObserver(onChange).observe(document.documentElement, root);
}
