// @ts-check
/** The connection: status of the server at intervals, and what happens when it goes and comes. */

import { isRunning } from "../panels/figures.js";
import { getJson, RequestError } from "./requests.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../state.js").Session} Session
 */

const POLL_RUNNING_MS = 2_000; // while a round runs
const POLL_MS = 10_000;
const FIRST_WAIT_MS = 500; // of the attempts to reach a server that is gone
const LONGEST_WAIT_MS = 8_000;

/** Watches one server. */
export class Connection {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.pollTimer = 0;
    this.reachTimer = 0; // 0 unless an attempt to reach the server is due
    this.wait = FIRST_WAIT_MS;
  }

  /** Ask for the status now, and then at intervals. */
  async poll() {
    clearTimeout(this.pollTimer);
    try {
      const { annotator } = this.app.state;
      this.app.takeStatus(await getJson("/api/status", { annotator }));
      if (!this.app.state.waiting.length) this.wait = FIRST_WAIT_MS;
    } catch (error) {
      this.lose(asRequestError(error));
    }
    const interval = isRunning(this.app.state.status) ? POLL_RUNNING_MS : POLL_MS;
    clearTimeout(this.pollTimer);
    this.pollTimer = window.setTimeout(() => this.poll(), interval);
  }

  /**
   * Note that a request failed in a way that may pass, and try to reach the server again.
   * @param {RequestError} error
   */
  lose(error) {
    if (this.app.state.connection === "replaced") return;
    this.app.outbox.pause();
    this.app.update({ connection: nameProblem(error), problem: error.message });
    if (this.reachTimer) return;
    this.reachTimer = window.setTimeout(() => this.reach(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  /** Try to reach the server. Answers are sent only to the one that asked. */
  async reach() {
    this.reachTimer = 0;
    try {
      const session = await getJson("/api/session");
      if (isSame(session, this.app.state.session)) this.restore();
      else this.app.update({ connection: "replaced" });
    } catch (error) {
      this.lose(asRequestError(error));
    }
  }

  restore() {
    this.app.update({ connection: "ok" });
    this.app.resume();
    this.poll();
  }
}

/**
 * @param {RequestError} error
 * @returns {import("../state.js").State["connection"]}
 */
function nameProblem(error) {
  if (error.isForbidden) return "forbidden";
  return error.isUnreachable ? "unreachable" : "failing";
}

/**
 * Return whether two sessions are of the same pool, classes and folder of answers.
 * @param {Session} a
 * @param {Session} b
 */
function isSame(a, b) {
  const identity = (/** @type {Session} */ { folder, title, n_windows, classes }) =>
    JSON.stringify([folder, title, n_windows, classes]);
  return identity(a) === identity(b);
}

/**
 * @param {unknown} error
 * @returns {RequestError}
 */
function asRequestError(error) {
  if (error instanceof RequestError) return error;
  throw error;
}
