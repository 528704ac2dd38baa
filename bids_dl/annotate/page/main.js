// @ts-check
/** Start of the page: who reads, what is labelled, and the events of the page. */

import { makeUuid } from "./sending/answers.js";
import { App } from "./app.js";
import { watchBar } from "./panels/bar.js";
import { askAnnotator, watchSettings } from "./panels/dialogs.js";
import { find, setText } from "./panels/dom.js";
import { watchKeys } from "./keys.js";
import { getJson, RequestError } from "./sending/requests.js";
import { PageStorage } from "./sending/storage.js";

const ANNOTATOR_KEY = "bids-dl annotator";
const TAB_KEY = "bids-dl tab";
const tabStorage = new PageStorage(() => sessionStorage);

/** Ask who reads, and start. */
async function start() {
  const session = await getJson("/api/session");
  document.title = `Label ${session.title}`;
  const app = new App(session, await chooseAnnotator(session.annotator), await claimTab());
  document.body.classList.remove("is-starting");
  watchKeys(app.commands);
  watchBar(app);
  watchSettings(app);
  watchButtons(app);
  warnBeforeLeaving(app);
  await app.start();
}

/**
 * Return the pseudonym of the expert in this tab.
 * @param {string | null} proposed
 */
async function chooseAnnotator(proposed) {
  const kept = tabStorage.getItem(ANNOTATOR_KEY);
  const annotator = kept ?? (await askAnnotator(proposed ?? ""));
  tabStorage.setItem(ANNOTATOR_KEY, annotator);
  return annotator;
}

/**
 * Return the UUID of this tab, which a reload keeps. A duplicated tab has a copy of the UUID, and
 * finds it locked by the original; on plain HTTP from another host, browsers have no locks.
 * @returns {Promise<string>}
 */
async function claimTab() {
  const tab = tabStorage.getItem(TAB_KEY) ?? makeUuid();
  tabStorage.setItem(TAB_KEY, tab);
  if (!navigator.locks) return tab;
  const isClaimed = await new Promise((resolve) => {
    navigator.locks.request(`bids-dl ${tab}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {}); // held until the tab is closed
    });
  });
  if (isClaimed) return tab;
  tabStorage.removeItem(TAB_KEY);
  return claimTab();
}

/** @param {App} app */
function watchButtons({ commands }) {
  const actions = {
    negative: "toggleNegative",
    column: "toggleColumn",
    "open-settings": "openSettings",
    "open-help": "openHelp",
    "show-question": "showQuestion",
    undo: "undo",
    train: "train",
    skip: "skip",
    retry: "retry",
  };
  for (const [id, name] of Object.entries(actions)) {
    find(id).addEventListener("click", () => commands[name]());
  }
  document.addEventListener("click", ({ target, detail }) => {
    // After a click by mouse, Space is an answer again and not a second click. By keyboard, where
    // `detail` is 0, the focus stays.
    const button = /** @type {HTMLElement} */ (target).closest("button");
    if (button && detail > 0 && !button.closest("dialog")) button.blur();
  });
}

/** @param {App} app */
function warnBeforeLeaving(app) {
  window.addEventListener("beforeunload", (event) => {
    if (app.state.waiting.length) event.preventDefault();
  });
}

/** @param {unknown} error */
function showStop(error) {
  const isForbidden = error instanceof RequestError && error.isForbidden;
  const sentence = isForbidden
    ? "Open the address that the terminal of bids-dl label shows. Each address works once."
    : `The page cannot start: ${error instanceof Error ? error.message : error}. Reload it.`;
  find("stopped").hidden = false;
  setText(/** @type {HTMLElement} */ (find("stopped").firstElementChild), sentence);
  if (!(error instanceof RequestError)) throw error;
}

start().catch(showStop);
