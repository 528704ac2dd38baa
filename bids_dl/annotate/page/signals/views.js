/**
 * Views: pages of signals as the server sends them, decoded, cached and fetched ahead.
 *
 * `requestBytes(query, {signal})` sends one request and returns a promise of an `ArrayBuffer`. It
 * rejects with an `AbortError` if `signal` aborts.
 *
 * @typedef {Record<string, string | number>} Query  parameters of `/api/page`
 * @typedef {(query: Query, options: {signal: AbortSignal}) => Promise<ArrayBuffer>} RequestBytes
 */

const MISSING = -32768;
const ALIGNMENT = 8; // bytes: where the samples begin, so that typed arrays need no copy
const MAX_CACHED = 24; // views; about 0.25 MB each
const MAX_IN_FLIGHT = 4; // requests; a browser opens six connections to a server

/** Bytes that are no view. The message says what was wrong. */
export class ViewError extends Error {
  name = "ViewError";
}

/** A page of signals, as integers of `resolution` µV. */
export class View {
  #minima;
  #maxima;

  /**
   * @param {Record<string, any>} header  of the server, with names in snake_case
   * @param {Int16Array} minima  row by row, `header.n_traces` of `header.n_columns`
   * @param {Int16Array} maxima  of the same shape
   */
  constructor(header, minima, maxima) {
    this.start = header.start; // s on the clock of the recording
    this.duration = header.duration; // s
    this.names = header.names;
    this.groups = header.groups;
    this.kinds = header.kinds; // such as eeg or ecg
    this.bads = header.bads;
    this.channels = header.channels; // recorded channels that each trace is of
    this.resolution = header.resolution; // µV of one unit
    this.isLine = header.is_line; // true: columns are samples, fewer than columns of pixels
    this.firstTime = header.first_time; // s of the first column
    this.columnSeconds = header.column_seconds;
    this.nTraces = header.n_traces;
    this.nColumns = header.n_columns;
    this.#minima = minima;
    this.#maxima = maxima;
    Object.freeze(this);
  }

  /** @param {number} trace @returns {Int16Array} minima of a trace; `View.MISSING` for no sample */
  minima(trace) {
    return this.#minima.subarray(trace * this.nColumns, (trace + 1) * this.nColumns);
  }

  /** @param {number} trace @returns {Int16Array} maxima of a trace; `View.MISSING` for no sample */
  maxima(trace) {
    return this.#maxima.subarray(trace * this.nColumns, (trace + 1) * this.nColumns);
  }

  static MISSING = MISSING;
}

/**
 * Decode a view without copying its samples.
 *
 * The format: length of the header (uint32), header (JSON, UTF-8), zeros up to a multiple of
 * eight bytes, minima, maxima (int16). All numbers are little-endian, as every browser's are.
 *
 * @param {ArrayBuffer} bytes
 * @returns {View}
 * @throws {ViewError} if the bytes are cut short, or the header disagrees with their number
 */
export function decodeView(bytes) {
  const header = readHeader(bytes);
  const nValues = header.n_traces * header.n_columns;
  const expected = header.firstByte + 2 * nValues * Int16Array.BYTES_PER_ELEMENT;
  if (!Number.isInteger(nValues) || expected !== bytes.byteLength) {
    throw new ViewError(`the page has ${bytes.byteLength} bytes, its header says ${expected}`);
  }
  const minima = new Int16Array(bytes, header.firstByte, nValues);
  const maxima = new Int16Array(bytes, minima.byteOffset + minima.byteLength, nValues);
  return new View(header, minima, maxima);
}

function readHeader(bytes) {
  const lengthBytes = Uint32Array.BYTES_PER_ELEMENT;
  const length = bytes.byteLength < lengthBytes ? 0 : new DataView(bytes).getUint32(0, true);
  if (length === 0 || lengthBytes + length > bytes.byteLength) {
    throw new ViewError(`the page of ${bytes.byteLength} bytes is cut short in its header`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true });
    const header = JSON.parse(text.decode(new Uint8Array(bytes, lengthBytes, length)));
    const firstByte = Math.ceil((lengthBytes + length) / ALIGNMENT) * ALIGNMENT;
    return { ...header, firstByte };
  } catch (error) {
    throw new ViewError("the header of the page is not JSON", { cause: error });
  }
}

/** Views by query: the last ones stay, the next ones are fetched ahead, none is fetched twice. */
export class Views {
  #requestBytes;
  /** @type {Map<string, View>} least recently used first */
  #cached = new Map();
  /** @type {Map<string, {promise: Promise<View>, abort: () => void}>} oldest first */
  #inFlight = new Map();

  /** @param {RequestBytes} requestBytes */
  constructor(requestBytes) {
    this.#requestBytes = requestBytes;
  }

  /**
   * Return the view of a query: from the cache, from a request in flight, or from a new request.
   *
   * @param {Query} query
   * @returns {Promise<View>}  rejects with the error of the request, a `ViewError`, or an
   *   `AbortError` if later requests took its place or `clear` was called
   */
  get(query) {
    const key = keyOf(query);
    const view = this.#cached.get(key);
    if (!view) {
      return this.#join(key) ?? this.#request(key, query);
    }
    this.#keep(key, view);
    return Promise.resolve(view);
  }

  /**
   * Fetch a view ahead. A failure is not reported: `get` requests the view again.
   *
   * @param {Query} query
   */
  prefetch(query) {
    const key = keyOf(query);
    if (!this.#cached.has(key) && !this.#inFlight.has(key)) {
      this.#request(key, query).catch(() => {});
    }
  }

  /** Forget all views, and abort all requests in flight. */
  clear() {
    this.#cached.clear();
    for (const { abort } of this.#inFlight.values()) abort();
    this.#inFlight.clear();
  }

  /** Join a request in flight. It becomes the newest, because the newest are aborted last. */
  #join(key) {
    const request = this.#inFlight.get(key);
    if (request) {
      this.#inFlight.delete(key);
      this.#inFlight.set(key, request);
    }
    return request?.promise;
  }

  #request(key, query) {
    this.#abortOldest(MAX_IN_FLIGHT - 1);
    const controller = new AbortController();
    const promise = this.#fetch(query, controller.signal)
      .then((view) => {
        if (!controller.signal.aborted) this.#keep(key, view);
        return view;
      })
      .finally(() => {
        if (this.#inFlight.get(key)?.promise === promise) this.#inFlight.delete(key);
      });
    this.#inFlight.set(key, { promise, abort: () => controller.abort() });
    return promise;
  }

  async #fetch(query, signal) {
    return decodeView(await this.#requestBytes(query, { signal }));
  }

  #abortOldest(nLeft) {
    for (const [key, { abort }] of this.#inFlight) {
      if (this.#inFlight.size <= nLeft) return;
      this.#inFlight.delete(key);
      abort();
    }
  }

  #keep(key, view) {
    this.#cached.delete(key);
    this.#cached.set(key, view);
    if (this.#cached.size > MAX_CACHED) this.#cached.delete(this.#cached.keys().next().value);
  }
}

function keyOf(query) {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
