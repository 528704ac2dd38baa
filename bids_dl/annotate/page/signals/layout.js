/**
 * Places on the canvas of the traces, in device pixels: names at the left, signals, clock below.
 *
 * @typedef {{left: number, top: number, width: number, height: number}} Area
 * @typedef {{width: number, height: number, ratio: number, area: Area}} Frame
 *   size of the canvas, device pixels of a CSS pixel, area of the signals
 * @typedef {{centres: Float32Array, spacing: number}} Lanes  zero lines, distance of neighbours
 */

const MAX_WIDTH = 4096; // columns, as many as the server computes
const NAMES_WIDTH = 92; // CSS pixels: room for a bipolar name such as OF'10-OF'11
const NAMES_SHARE = 0.2; // of a narrow canvas
const CLOCK_HEIGHT = 20; // CSS pixels
const TOP_MARGIN = 6; // CSS pixels
const RIGHT_MARGIN = 16; // CSS pixels: the bar of the scale stands here, on no signal
const GROUP_GAP = 0.55; // distances of neighbours

/**
 * Measure the pixels of a canvas, without its borders, as the style sheet sizes it.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {{left: number, top: number, width: number, height: number, ratio: number}}
 *   place on the screen in CSS pixels, size in device pixels, device pixels of a CSS pixel
 */
export function measure(canvas) {
  const box = canvas.getBoundingClientRect();
  const cssWidth = Math.max(box.width - (canvas.offsetWidth - canvas.clientWidth), 1);
  const cssHeight = Math.max(box.height - (canvas.offsetHeight - canvas.clientHeight), 1);
  const ratio = Math.min(devicePixelRatio, MAX_WIDTH / cssWidth);
  return {
    left: box.left + canvas.clientLeft,
    top: box.top + canvas.clientTop,
    width: Math.max(Math.round(cssWidth * ratio), 1),
    height: Math.max(Math.round(cssHeight * ratio), 1),
    ratio,
  };
}

/**
 * Divide a canvas into names, signals and clock.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {Frame}
 */
export function frameOf(canvas) {
  const { width, height, ratio } = measure(canvas);
  const left = Math.round(Math.min(NAMES_WIDTH * ratio, width * NAMES_SHARE));
  const top = Math.round(TOP_MARGIN * ratio);
  const right = Math.round(RIGHT_MARGIN * ratio);
  const bottom = Math.round(CLOCK_HEIGHT * ratio);
  const area = {
    left,
    top,
    width: Math.max(width - left - right, 1),
    height: Math.max(height - top - bottom, 1),
  };
  return { width, height, ratio, area };
}

/** @param {Frame} a @param {Frame | null} b @returns {boolean} */
export function isSameFrame(a, b) {
  return a.width === b?.width && a.height === b.height && a.ratio === b.ratio;
}

/**
 * Distribute traces over the height of the area, with a gap between groups.
 *
 * @param {string[]} groups  of each trace
 * @param {Area} area
 * @returns {Lanes}
 */
export function layLanes(groups, { top, height }) {
  const gaps = groups.map((group, i) => (i > 0 && group !== groups[i - 1] ? GROUP_GAP : 0));
  const total = groups.length + gaps.reduce((sum, gap) => sum + gap, 0);
  const spacing = height / Math.max(total, 1);
  const centres = new Float32Array(groups.length);
  let y = top + spacing / 2;
  for (let i = 0; i < groups.length; i++) {
    y += gaps[i] * spacing;
    centres[i] = y;
    y += spacing;
  }
  return { centres, spacing };
}

/**
 * Return the trace nearest to a height.
 *
 * @param {Lanes} lanes
 * @param {number} y
 * @returns {number}  -1 if no trace exists
 */
export function nearestLane({ centres }, y) {
  let nearest = centres.length - 1;
  while (nearest > 0 && Math.abs(centres[nearest - 1] - y) <= Math.abs(centres[nearest] - y)) {
    nearest--;
  }
  return nearest;
}

/**
 * Return the parts of the height that some channels take: neighbouring traces are one part.
 *
 * A trace belongs to the channels if all that it is a difference of do. If the montage has no such
 * trace, those belong that share a channel.
 *
 * @param {Lanes} lanes
 * @param {string[][]} channelsOfTraces
 * @param {string[]} channels  none: all
 * @param {Area} area
 * @returns {{top: number, height: number}[]}
 */
export function bandsOf(lanes, channelsOfTraces, channels, area) {
  const names = new Set(channels);
  const whole = channelsOfTraces.map((some) => some.every((name) => names.has(name)));
  if (!channels.length || whole.every(Boolean)) {
    return [{ top: area.top, height: area.height }];
  }
  const partly = () => channelsOfTraces.map((some) => some.some((name) => names.has(name)));
  return joinBands(lanes, whole.some(Boolean) ? whole : partly());
}

function joinBands({ centres, spacing }, isChosen) {
  const bands = [];
  for (let i = 0; i < centres.length; i++) {
    if (!isChosen[i]) continue;
    const top = centres[i] - spacing / 2;
    const last = bands.at(-1);
    if (last && isChosen[i - 1]) {
      last.height = top + spacing - last.top;
    } else {
      bands.push({ top, height: spacing });
    }
  }
  return bands;
}
