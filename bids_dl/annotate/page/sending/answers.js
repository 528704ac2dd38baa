// @ts-check
/**
 * Answers on their way to the log. An entry stays in the browser until the server has it on disk,
 * so neither a reload nor a dead server loses it. Its id is made here, so sending it twice changes
 * nothing.
 */

import { RequestError } from "./requests.js";

/**
 * @typedef {import("../state.js").Answer} Answer
 *
 * @typedef {object} Entry An answer, a change or an undo.
 * @property {string} id UUID.
 * @property {"answer" | "change" | "undo"} kind
 * @property {Answer} answer The answer that is made, changed or undone, as it then is.
 * @property {string} item Item that is answered; "" for marks, changes and undos.
 * @property {object} body What is posted, apart from id and annotator.
 * @property {number} time Milliseconds of the epoch, which order the entries.
 * @property {string} refusal Sentence of the server; "" while the entry waits.
 */

/** Entries of one expert and one folder of answers that the server has not acknowledged. */
export class Outbox {
  /**
   * @param {import("./storage.js").PageStorage} storage
   * @param {string} scope Folder of answers and annotator, which the entries belong to.
   * @param {(entry: Entry) => Promise<any>} post
   */
  constructor(storage, scope, post) {
    this.storage = storage;
    this.prefix = `bids-dl unsent ${scope} `;
    this.post = post;
    this.isSending = false;
    this.isPaused = false;
    /** Called with the entry and the response when the server has an entry on disk. */
    this.onSaved = (/** @type {Entry} */ _entry, /** @type {any} */ _response) => {};
    /** Called after each change of the entries. */
    this.onChange = () => {};
    /** Called when sending stops with an error that may pass. It goes on after `resume`. */
    this.onFailure = (/** @type {RequestError} */ _error) => {};
  }

  /** Entries in the order in which they were made, those of other tabs included. */
  get entries() {
    const keys = this.storage.keys.filter((key) => key.startsWith(this.prefix));
    const entries = keys.map((key) => this.storage.readJson(key));
    return entries.filter(isEntry).sort((a, b) => a.time - b.time);
  }

  /** True if a reload of the page keeps all entries. */
  get isKept() {
    return ![...this.storage.unkept.keys()].some((key) => key.startsWith(this.prefix));
  }

  /** Entries that wait to be sent. */
  get waiting() {
    return this.entries.filter((entry) => !entry.refusal);
  }

  /** Entries that the server refused. */
  get refused() {
    return this.entries.filter((entry) => entry.refusal);
  }

  /**
   * Keep an entry, and send it after all earlier ones.
   * @param {Omit<Entry, "time" | "refusal">} entry
   */
  add(entry) {
    const latest = this.entries.at(-1)?.time ?? 0;
    this.keep({ ...entry, time: Math.max(Date.now(), latest + 1), refusal: "" });
    this.send();
  }

  /** Send all waiting entries, one after the other, until one fails. */
  async send() {
    if (this.isSending || this.isPaused) return;
    this.isSending = true;
    try {
      for (let next = this.waiting[0]; next && !this.isPaused; next = this.waiting[0]) {
        await this.sendOne(next);
      }
    } finally {
      this.isSending = false;
    }
  }

  /** Send nothing more until `resume`. */
  pause() {
    this.isPaused = true;
  }

  /** Send what waits. */
  resume() {
    this.isPaused = false;
    return this.send();
  }

  /**
   * Send a refused entry again.
   * @param {Entry} entry
   */
  retry(entry) {
    this.keep({ ...entry, refusal: "" });
    this.send();
  }

  /**
   * Forget an entry.
   * @param {Entry} entry
   */
  forget(entry) {
    this.storage.removeItem(this.prefix + entry.id);
    this.onChange();
  }

  /** @param {Entry} entry */
  async sendOne(entry) {
    let response;
    try {
      response = await this.post(entry);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.handle(entry, error);
      return;
    }
    this.forget(entry);
    this.onSaved(entry, response);
  }

  /**
   * @param {Entry} entry
   * @param {RequestError} error
   */
  handle(entry, error) {
    if (error.isTransient) {
      this.pause();
      this.onFailure(error);
    } else {
      this.keep({ ...entry, refusal: error.message });
    }
  }

  /** @param {Entry} entry */
  keep(entry) {
    this.storage.setItem(this.prefix + entry.id, JSON.stringify(entry));
    this.onChange();
  }
}

/**
 * Return whether JSON of the storage, which other programs may have written, is an entry.
 * @param {any} value
 * @returns {value is Entry}
 */
function isEntry(value) {
  const { id, kind, answer, body } = value ?? {};
  const isKnown = ["answer", "change", "undo"].includes(kind);
  return isKnown && Boolean(id && body && answer?.id) && Number.isFinite(answer.onset);
}

/**
 * Join the answers of the log with entries that it does not have yet.
 * @param {readonly Answer[]} stored Newest first.
 * @param {readonly Entry[]} entries Oldest first.
 * @returns {Answer[]} Newest first.
 */
export function mergeAnswers(stored, entries) {
  const answers = new Map([...stored].reverse().map((answer) => [answer.id, answer]));
  for (const { kind, answer } of entries) {
    if (kind === "undo") answers.delete(answer.id);
    else answers.set(answer.id, answer);
  }
  return [...answers.values()].reverse();
}

/** Make a UUID of version 4. `crypto.randomUUID` works on loopback and HTTPS only. */
export function makeUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
