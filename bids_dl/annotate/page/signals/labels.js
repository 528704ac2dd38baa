/** Text around the signals: names of traces, the clock, the bar of the scale. */

import { divisorOf } from "./kinds.js";
import { digitsOf, formatTime, gridSteps, multiples } from "./ruler.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";
const NAME_SIZES = [8, 12]; // CSS pixels
const TEXT_SIZE = 11; // CSS pixels
const CLOCK_DISTANCE = 52; // CSS pixels between labels at least
const BAR_HEIGHT = 22; // CSS pixels at least
const BAR_TEXT_WIDTH = 58; // CSS pixels
const BAR_VALUES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5]; // µV

/**
 * Write the names of the traces at the left. If traces are too close, every second one is named.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./views.js").View} view
 * @param {{frame: import("./layout.js").Frame, lanes: import("./layout.js").Lanes}} place
 * @param {import("./colours.js").Colours} colours
 */
export function drawNames(context, view, { frame, lanes }, colours) {
  const { ratio, area } = frame;
  context.fillStyle = colours.css("paper");
  context.fillRect(0, 0, area.left, frame.height);
  const [smallest, largest] = NAME_SIZES;
  const size = Math.min(Math.max(lanes.spacing / ratio - 1, smallest), largest);
  const step = Math.max(Math.ceil((smallest * ratio) / lanes.spacing), 1);
  context.font = `${size * ratio}px ${FONT}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const groups = [...new Set(view.groups)];
  for (let i = 0; i < view.nTraces; i += step) {
    const ofGroup = groups.length > 1 ? colours.ofGroup(groups.indexOf(view.groups[i])) : null;
    context.fillStyle = view.bads[i] ? colours.css("trace-bad") : (ofGroup ?? colours.css("ink"));
    const divisor = divisorOf(view.kinds[i]);
    const gain = divisor === 1 ? "" : ` ÷${divisor}`;
    const room = area.left - 14 * ratio - context.measureText(gain).width;
    const text = shorten(context, view.names[i], room) + gain;
    context.fillText(text, area.left - 8 * ratio, lanes.centres[i]);
  }
}

/**
 * Shorten a text to a width, in device pixels.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 * @returns {string}
 */
export function shorten(context, text, width) {
  let shown = text;
  while (shown && context.measureText(shown === text ? text : `${shown}…`).width > width) {
    shown = shown.slice(0, -1);
  }
  return shown === text ? text : `${shown}…`;
}

/**
 * Write the times of the grid below the signals.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./views.js").View} view
 * @param {import("./layout.js").Frame} frame
 * @param {import("./colours.js").Colours} colours
 */
export function drawClock(context, view, { width, height, ratio, area }, colours) {
  const y = area.top + area.height;
  context.fillStyle = colours.css("paper");
  context.fillRect(0, y, width, height - y);
  context.fillStyle = colours.css("grid-strong");
  context.fillRect(area.left, y, area.width, Math.max(Math.round(ratio), 1));
  context.fillStyle = colours.css("ink", 0.75);
  context.font = `${TEXT_SIZE * ratio}px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const step = clockStep(view.duration, area.width / ratio);
  for (const { time } of multiples(view.start, view.duration, step)) {
    const x = area.left + ((time - view.start) / view.duration) * area.width;
    const text = formatTime(time, digitsOf(step));
    const isFree = x + context.measureText(text).width / 2 < width - BAR_TEXT_WIDTH * ratio;
    if (isFree) context.fillText(text, x, (y + height) / 2 + ratio);
  }
}

/** Return a step of the grid whose labels do not touch. */
function clockStep(duration, cssWidth) {
  const { minor, major } = gridSteps(duration);
  const distance = (step) => (step / duration) * cssWidth;
  return [minor, major].find((step) => distance(step) >= CLOCK_DISTANCE) ?? 2 * major;
}

/**
 * Draw a bar of a round number of µV right of the signals, and the number below it.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} pixelsPerUv  device pixels
 * @param {import("./layout.js").Frame} frame
 * @param {import("./colours.js").Colours} colours
 */
export function drawScaleBar(context, pixelsPerUv, { width, height, ratio, area }, colours) {
  const least = BAR_HEIGHT * ratio;
  const value = BAR_VALUES.find((uv) => uv * pixelsPerUv >= least) ?? BAR_VALUES.at(-1);
  const barHeight = Math.round(value * pixelsPerUv);
  const line = Math.max(Math.round(1.5 * ratio), 1);
  const cap = Math.round(3 * ratio);
  const x = Math.round(width - 7 * ratio);
  const bottom = area.top + area.height;
  context.fillStyle = colours.css("ink");
  context.fillRect(x, bottom - barHeight, line, barHeight);
  context.fillRect(x - cap, bottom - barHeight, 2 * cap + line, line);
  context.fillRect(x - cap, bottom - line, 2 * cap + line, line);
  context.font = `600 ${TEXT_SIZE * ratio}px ${FONT}`;
  context.textAlign = "right";
  context.textBaseline = "middle";
  const text = value >= 1000 ? `${value / 1000} mV` : `${value} µV`;
  context.fillText(text, width - 2 * ratio, (bottom + height) / 2 + ratio);
}
