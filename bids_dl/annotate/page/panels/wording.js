// @ts-check
/** Numbers and names as a reader of EEG writes them. */

/**
 * Write a length of time: `1 second`, `2.5 seconds`.
 * @param {number} seconds
 */
export function writeLength(seconds) {
  return seconds === 1 ? "1 second" : `${Number(seconds.toFixed(2))} seconds`;
}

/**
 * Write a count with its noun: `1 answer`, `3 answers`.
 * @param {number} count
 * @param {string} noun
 */
export function writeCount(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * Write a setting of a filter; null is off.
 * @param {number | null} frequency Hz
 */
export function writeFrequency(frequency) {
  return frequency === null ? "off" : `${frequency} Hz`;
}

/**
 * Write the name of a class for reading: `sharp_wave` becomes `sharp wave`.
 * @param {string} name
 */
export function writeClass(name) {
  return name.replaceAll("_", " ");
}

/**
 * Write the name of a recording shorter: without its folders and the prefix `sub-`.
 * @param {string} name BIDS path without suffix and extension.
 */
export function writeRecording(name) {
  return name.split("/").at(-1)?.replace(/^sub-/, "").replaceAll("_", " ") ?? name;
}

/**
 * Join names: `a`, `a and b`, `a, b and 3 more`.
 * @param {readonly string[]} names
 * @param {number} [most] Names that are written out.
 */
export function joinNames(names, most = 4) {
  if (names.length <= 1) return names.join("");
  const isLong = names.length > most;
  const first = isLong ? names.slice(0, most - 1) : names.slice(0, -1);
  const last = isLong ? `${names.length - first.length} more` : names.at(-1);
  return `${first.join(", ")} and ${last}`;
}

/**
 * Ask in plain words what a question asks.
 * @param {readonly string[]} classes Names without the background.
 * @param {number} duration Length of the shaded window in s.
 * @param {readonly string[]} channels Channels that are asked about; all if empty.
 */
export function writeQuestion(classes, duration, channels) {
  const window = duration === 1 ? "the shaded second" : `the shaded ${writeLength(duration)}`;
  const where = channels.length ? ` on ${joinNames(channels)}` : "";
  if (classes.length !== 1) return `What is in ${window}${where}?`;
  const name = writeClass(classes[0]);
  const article = /^[aeiou]/i.test(name) ? "an" : "a";
  return `Is there ${article} ${name} in ${window}${where}?`;
}
