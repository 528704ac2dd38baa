/** The clock of a recording: lines of the grid, and times as text. */

const GRIDS = [
  // pages up to so many seconds, a line every, a stronger line every
  [0.12, 0.01, 0.05],
  [0.3, 0.02, 0.1],
  [1.2, 0.1, 0.5],
  [3, 0.2, 1],
  [6, 0.5, 1],
  [45, 1, 5],
  [90, 5, 15],
  [Infinity, 10, 60],
];

/**
 * Return the steps of the grid of a page, in seconds.
 *
 * @param {number} duration  of the page, s
 * @returns {{minor: number, major: number}}
 */
export function gridSteps(duration) {
  const [, minor, major] = GRIDS.find(([longest]) => duration <= longest);
  return { minor, major };
}

/**
 * Return the multiples of a step within a page.
 *
 * @param {number} start
 * @param {number} duration
 * @param {number} step
 * @returns {{time: number, number: number}[]}  `number` of `step`s from zero
 */
export function multiples(start, duration, step) {
  const first = Math.ceil(start / step - 1e-6); // 1e-6: 0.3 / 0.1 is 2.9999999999999996
  const last = Math.floor((start + duration) / step + 1e-6);
  const found = [];
  for (let number = first; number <= last; number++) {
    found.push({ time: number * step, number });
  }
  return found;
}

/**
 * Write a time of the recording, such as 1:05 or 2:03:04.25.
 *
 * @param {number} seconds
 * @param {number} [digits]  after the decimal point
 * @returns {string}
 */
export function formatTime(seconds, digits = 0) {
  const unit = 10 ** digits;
  const rounded = Math.round(Math.max(seconds, 0) * unit) / unit;
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor(rounded / 60) % 60;
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/**
 * Write a length of time, such as 0.25 s.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function formatSeconds(seconds) {
  const digits = seconds < 1 ? 3 : 2;
  return `${Number(seconds.toFixed(digits))} s`;
}

/** @param {number} step @returns {number} digits that times on multiples of a step need */
export function digitsOf(step) {
  return step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
}
