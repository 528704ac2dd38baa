// @ts-check
/** Settings of the display, kept in this browser: per kind of recording, and per recording. */

import { PIXELS_PER_MM } from "./signals/traces.js";

const STORAGE_KEY = "bids-dl settings";
const MIN_PIXELS_PER_MM = 1;
const MAX_PIXELS_PER_MM = 20;

export const SENSITIVITIES = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200]; // µV/mm
export const DURATIONS = [0.5, 1, 2, 5, 10, 15, 20, 30, 60]; // s a page

/**
 * @typedef {object} Display
 * @property {string} montage
 * @property {number | null} low Hz; null is off
 * @property {number | null} high Hz; null is off
 * @property {number | null} notch Hz; null is off
 * @property {number} sensitivity µV/mm
 * @property {number} duration s a page
 *
 * @typedef {object} Recording
 * @property {number} number
 * @property {string} name
 * @property {number} seconds
 * @property {number} sfreq
 * @property {{name: string, type: string, group: string, bad: boolean}[]} channels
 * @property {{name: string, title: string, sensitivity: number}[]} montages The sensitivity that
 *   suits the number of traces, µV/mm.
 * @property {Display} defaults
 */

/** Settings that the expert has chosen. All others are the defaults of the recording. */
export class Settings {
  /** @param {import("./sending/storage.js").PageStorage} storage */
  constructor(storage) {
    this.storage = storage;
    const kept = storage.readJson(STORAGE_KEY) ?? {};
    this.content = {
      pixelsPerMm: Number(kept.pixelsPerMm) || PIXELS_PER_MM,
      negativeUp: kept.negativeUp !== false,
      hidesColumn: kept.hidesColumn === true,
      kinds: { ...kept.kinds },
      montages: { ...kept.montages },
    };
  }

  /**
   * Return how a recording is displayed.
   *
   * Filters, sensitivity and length of the page are those of its kind. The montage is the one that
   * was chosen for the recording, else the last one that was chosen for its kind. Until a
   * sensitivity is chosen, it follows from the montage.
   * @param {Recording} recording
   * @returns {Display}
   */
  displayOf(recording) {
    const chosen = this.content.kinds[kindOf(recording)] ?? {};
    const { montages, defaults } = recording;
    const wanted = [this.content.montages[recording.name], chosen.montage, defaults.montage];
    const name = wanted.find((one) => montages.some((possible) => possible.name === one));
    const montage = name ?? defaults.montage;
    const usual = montages.find((one) => one.name === montage)?.sensitivity;
    const sensitivity = usual ?? defaults.sensitivity;
    return limitFilters({ ...defaults, sensitivity, ...chosen, montage }, recording);
  }

  /**
   * Change how a recording, and those of its kind, are displayed.
   * @param {Recording} recording
   * @param {Partial<Display>} changes
   */
  changeDisplay(recording, changes) {
    const kind = kindOf(recording);
    this.content.kinds[kind] = { ...this.content.kinds[kind], ...changes };
    if (changes.montage) this.content.montages[recording.name] = changes.montage;
    this.save();
  }

  /** CSS pixels of a millimetre on this screen. */
  get pixelsPerMm() {
    return this.content.pixelsPerMm;
  }

  set pixelsPerMm(value) {
    this.content.pixelsPerMm = Math.min(Math.max(value, MIN_PIXELS_PER_MM), MAX_PIXELS_PER_MM);
    this.save();
  }

  /** Negative deflections point up, as in clinical EEG. */
  get negativeUp() {
    return this.content.negativeUp;
  }

  set negativeUp(value) {
    this.content.negativeUp = value;
    this.save();
  }

  /** The column on the right is hidden. */
  get hidesColumn() {
    return this.content.hidesColumn;
  }

  set hidesColumn(value) {
    this.content.hidesColumn = value;
    this.save();
  }

  save() {
    this.storage.setItem(STORAGE_KEY, JSON.stringify(this.content));
  }
}

/**
 * Return the neighbour of a value in ascending steps.
 * @param {readonly number[]} steps
 * @param {number} value
 * @param {1 | -1} direction
 */
export function stepFrom(steps, value, direction) {
  const beyond = steps.filter((step) => (direction > 0 ? step > value : step < value));
  return (direction > 0 ? beyond[0] : beyond.at(-1)) ?? value;
}

/**
 * Return the kind of a recording, whose settings are shared.
 * @param {Recording} recording
 */
export function kindOf(recording) {
  const isInside = recording.channels.some(({ type }) => ["seeg", "ecog", "dbs"].includes(type));
  return isInside ? "intracranial" : "scalp";
}

/**
 * Switch off filters that the sampling rate of a recording does not allow.
 * @param {Display} display
 * @param {Recording} recording
 */
function limitFilters(display, recording) {
  const isPossible = (/** @type {number | null} */ frequency) =>
    frequency !== null && frequency < recording.sfreq / 2 ? frequency : null;
  const [low, high, notch] = [display.low, display.high, display.notch].map(isPossible);
  return { ...display, low, high, notch };
}
