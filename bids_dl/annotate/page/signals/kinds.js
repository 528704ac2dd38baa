/** Kinds of channels, and how much smaller than EEG they are drawn. */

const LARGER_THAN_EEG = 10; // an ECG is a few mV, muscle too; on paper they have their own gain
const AS_EEG = new Set(["eeg", "seeg", "ecog", "dbs", "eog"]);

/**
 * Return by what a kind of channel is divided before it is drawn.
 *
 * @param {string} kind  in MNE's words, such as eeg or ecg
 * @returns {number}
 */
export function divisorOf(kind) {
  return AS_EEG.has(kind) ? 1 : LARGER_THAN_EEG;
}
