// @ts-check
/** Questions that this tab holds: the asked one, and those that come next. */

/** @typedef {import("./state.js").Question} Question */

const HELD = 3; // the asked one, and two whose pages are fetched ahead
const MOST_REQUESTED = 20; // the server allows no more

/** Questions in the order in which they are asked. */
export class Questions {
  /**
   * @param {(count: number) => Promise<{items: Question[], message: string}>} request Returns the
   *   questions that this tab already holds, then new ones.
   * @param {(questions: readonly Question[], message: string) => void} onChange
   */
  constructor(request, onChange) {
    this.request = request;
    this.onChange = onChange;
    /** @type {Question[]} */
    this.held = [];
    /** @type {Set<string>} Items that the next response may still have, though they are done. */
    this.done = new Set();
    /** @type {Set<number>} Recordings that cannot be read. */
    this.skippedRecordings = new Set();
    /** @type {Set<string>} Items that the expert does not want to answer now. */
    this.skippedItems = new Set();
    this.isRequesting = false;
    this.message = "";
  }

  /** Remove the asked question, because it was answered. */
  take() {
    const [asked] = this.held;
    this.done.add(asked.item);
    this.set(this.held.slice(1));
    return asked;
  }

  /**
   * Ask a question again, because its answer was undone.
   * @param {Question} question
   */
  putBack(question) {
    this.done.delete(question.item);
    this.set([question, ...this.held.filter(({ item }) => item !== question.item)]);
  }

  /**
   * Skip a question.
   * @param {Question} question
   */
  skip(question) {
    this.skippedItems.add(question.item);
    this.set(this.held.filter(({ item }) => item !== question.item));
  }

  /**
   * Skip all questions about a recording, now and later.
   * @param {number} recording
   */
  skipRecording(recording) {
    for (const question of this.held) {
      if (question.recording === recording) this.skippedItems.add(question.item);
    }
    this.skippedRecordings.add(recording);
    this.set(this.held.filter((question) => question.recording !== recording));
  }

  /**
   * Hold as many questions as are fetched ahead.
   * @param {Iterable<string>} unsent Items whose answers the server does not have yet.
   */
  async fill(unsent) {
    if (this.isRequesting || this.held.length >= HELD) return;
    this.isRequesting = true;
    this.done = new Set(unsent);
    try {
      const count = Math.min(HELD + this.skippedItems.size, MOST_REQUESTED);
      const { items, message } = await this.request(count);
      this.message = message ?? "";
      this.set([...this.held, ...items.filter((question) => this.isNew(question))]);
    } finally {
      this.isRequesting = false;
    }
  }

  /** @param {Question} question */
  isNew({ item, recording }) {
    if (this.skippedRecordings.has(recording)) this.skippedItems.add(item);
    const isHeld = this.held.some((held) => held.item === item);
    return !isHeld && !this.done.has(item) && !this.skippedItems.has(item);
  }

  /** @param {Question[]} held */
  set(held) {
    this.held = held;
    this.onChange(held, this.message);
  }
}
