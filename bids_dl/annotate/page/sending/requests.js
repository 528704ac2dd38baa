// @ts-check
/** Requests to the server: JSON in and out, and bytes for pages of signals. */

const TIMEOUT_MS = 30_000; // a page of 60 s at 32 kHz takes a second on a busy laptop
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** A failed request. The message is one sentence for the expert. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status Status of the response; 0 without a response.
   */
  constructor(message, status) {
    super(message);
    this.name = "RequestError";
    this.status = status;
  }

  /** The server did not answer at all. */
  get isUnreachable() {
    return this.status === 0;
  }

  /** The server does not know this tab: it was started anew, with another cookie. */
  get isForbidden() {
    return this.status === 403;
  }

  /** The same request may succeed later. */
  get isTransient() {
    return this.isUnreachable || this.isForbidden || TRANSIENT.has(this.status);
  }
}

/**
 * Request JSON.
 * @param {string} path
 * @param {Record<string, string | number | null>} [query] null is left out.
 * @returns {Promise<any>}
 */
export async function getJson(path, query = {}) {
  return (await request(writeUrl(path, query))).json();
}

/**
 * Request bytes.
 * @param {string} path
 * @param {Record<string, string | number | null>} query null is left out.
 * @param {{signal: AbortSignal}} options
 * @returns {Promise<ArrayBuffer>} Rejects with an `AbortError` if the signal aborts.
 */
export async function getBytes(path, query, { signal }) {
  return (await request(writeUrl(path, query), { signal })).arrayBuffer();
}

/**
 * Post JSON.
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 */
export async function postJson(path, body) {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

/**
 * Write a URL with a query.
 * @param {string} path
 * @param {Record<string, string | number | null>} query null is left out.
 */
function writeUrl(path, query) {
  const given = Object.entries(query).filter(([, value]) => value !== null);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length ? `${path}?${search}` : path;
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 */
async function request(url, options = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  let response;
  try {
    response = await fetch(url, { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new RequestError("the server does not answer", 0);
  }
  if (!response.ok) throw new RequestError(await readError(response), response.status);
  return response;
}

/** @param {Response} response */
async function readError(response) {
  try {
    return String((await response.json()).error);
  } catch {
    return `the server answered with status ${response.status}`;
  }
}
