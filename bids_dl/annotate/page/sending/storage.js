// @ts-check
/** Storage of the browser that does not fail when the browser refuses to keep something. */

/** Texts by key. What the browser does not keep lasts as long as this page. */
export class PageStorage {
  /** @param {() => Storage} open Throws if the browser blocks its storage. */
  constructor(open) {
    /** @type {Storage | null} */
    this.storage = null;
    /** @type {Map<string, string>} Texts that the browser did not keep: it is full or blocked. */
    this.unkept = new Map();
    try {
      this.storage = open();
    } catch {
      return; // all texts are unkept
    }
  }

  /** All keys, those of other tabs included. */
  get keys() {
    return [...new Set([...Object.keys(this.storage ?? {}), ...this.unkept.keys()])];
  }

  /**
   * Return a text, null if there is none.
   * @param {string} key
   */
  getItem(key) {
    return this.unkept.get(key) ?? this.storage?.getItem(key) ?? null;
  }

  /**
   * Keep a text.
   * @param {string} key
   * @param {string} value
   */
  setItem(key, value) {
    this.unkept.set(key, value);
    if (!this.storage) return;
    try {
      this.storage.setItem(key, value);
    } catch {
      return; // the storage is full
    }
    this.unkept.delete(key);
  }

  /** @param {string} key */
  removeItem(key) {
    this.unkept.delete(key);
    this.storage?.removeItem(key);
  }

  /**
   * Return the parsed JSON of a text, null if there is none or it is not JSON.
   * @param {string} key
   * @returns {any}
   */
  readJson(key) {
    try {
      return JSON.parse(this.getItem(key) ?? "null");
    } catch {
      return null; // text of another program under this key
    }
  }
}
