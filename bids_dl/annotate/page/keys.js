// @ts-check
/** Keys of the page: one table, for the handler and for the help. */

/**
 * @typedef {object} Binding
 * @property {string[]} keys Names as `nameKey` returns them.
 * @property {string} shown Keys as the help shows them; "" for a line that the help leaves out.
 * @property {string} title
 * @property {string} command
 * @property {any} [argument] Of the command.
 * @property {boolean} [repeats] A held key repeats the command. Answers never repeat.
 */

/** @type {{title: string, bindings: Binding[]}[]} */
export const GROUPS = [
  {
    title: "Answer",
    bindings: [
      bind("Space", "Unsure", "answerUnsure", { keys: [" "] }),
      bind("Backspace", "Undo the last answer", "undo"),
      bind("J", "Back to the question", "showQuestion"),
      bind("S", "Skip the question", "skip"),
      bind("T", "Train now", "train"),
    ],
  },
  {
    title: "Move",
    bindings: [
      bind("←", "Page back", "arrowAcross", { keys: ["ArrowLeft"], argument: -1, repeats: true }),
      bind("→", "Page on", "arrowAcross", { keys: ["ArrowRight"], argument: 1, repeats: true }),
      bind("", "", "turnPage", { keys: ["PageUp"], argument: -1, repeats: true }),
      bind("", "", "turnPage", { keys: ["PageDown"], argument: 1, repeats: true }),
      bind("Shift ←", "One second back", "shiftAcross", {
        keys: ["Shift+ArrowLeft"],
        argument: -1,
        repeats: true,
      }),
      bind("Shift →", "One second on", "shiftAcross", {
        keys: ["Shift+ArrowRight"],
        argument: 1,
        repeats: true,
      }),
      bind("Home", "Start of the recording", "goTo", { argument: 0 }),
      bind("End", "End of the recording", "goTo", { argument: Infinity }),
      bind("[", "Previous recording", "turnRecording", { argument: -1 }),
      bind("]", "Next recording", "turnRecording", { argument: 1 }),
    ],
  },
  {
    title: "Display",
    bindings: [
      bind("↑", "Larger traces", "arrowAlong", { keys: ["ArrowUp"], argument: -1, repeats: true }),
      bind("↓", "Smaller traces", "arrowAlong", {
        keys: ["ArrowDown"],
        argument: 1,
        repeats: true,
      }),
      bind("+", "Fewer seconds a page", "stepDuration", { argument: -1 }),
      bind("−", "More seconds a page", "stepDuration", { keys: ["-"], argument: 1 }),
      bind("M", "Next montage", "nextMontage"),
      bind("N", "Negative up or down", "toggleNegative"),
      bind("B", "Hide or show the column", "toggleColumn"),
    ],
  },
  {
    title: "Mark",
    bindings: [
      bind("X", "Begin a mark", "beginMark"),
      bind("← → ↑ ↓", "Move its edges outwards", "", { keys: [] }),
      bind("Shift ← → ↑ ↓", "Move its edges inwards", "", { keys: [] }),
      bind("", "", "shiftAlong", { keys: ["Shift+ArrowUp"], argument: -1, repeats: true }),
      bind("", "", "shiftAlong", { keys: ["Shift+ArrowDown"], argument: 1, repeats: true }),
      bind("Esc", "Cancel it", "cancel", { keys: ["Escape"] }),
    ],
  },
  {
    title: "Page",
    bindings: [bind(",", "Settings", "openSettings"), bind("?", "This help", "openHelp")],
  },
];

/**
 * Call commands by keys.
 * @param {Record<string, (argument?: any) => void>} commands By the names in `GROUPS`; `answerKey`
 *   gets the digit of a class.
 */
export function watchKeys(commands) {
  const bindings = new Map();
  for (const binding of GROUPS.flatMap((group) => group.bindings)) {
    for (const key of binding.keys) bindings.set(key, binding);
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || isTyping(event)) return;
    const key = nameKey(event);
    const digit = { command: "answerKey", argument: key, repeats: false };
    const binding = /^[0-9]$/.test(key) ? digit : bindings.get(key);
    if (!binding) return;
    event.preventDefault();
    if (!event.repeat || binding.repeats) commands[binding.command](binding.argument);
  });
}

/**
 * Name a key independently of the layout of the keyboard. Digits and letters are found by their
 * place if the layout gives neither, as on French and Russian keyboards. The row of digits gives
 * digits without Shift, also where it has "-" or "+", as on French and Czech keyboards.
 * @param {KeyboardEvent} event
 */
export function nameKey({ key, code, shiftKey }) {
  const isInRow = /^Digit[0-9]$/.test(code) && !shiftKey && key.length === 1;
  if (isInRow && /^[+-]$/.test(key)) return code.slice(-1);
  if (/^[?+[\],0-9-]$/.test(key)) return key;
  if (key.startsWith("Arrow")) return shiftKey ? `Shift+${key}` : key;
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  const [, letter, digit] = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(code) ?? [];
  const isPrinted = key.length === 1;
  return (isPrinted && (letter?.toLowerCase() ?? digit)) || key;
}

/**
 * Return whether a control of the page needs the key itself.
 * @param {KeyboardEvent} event
 */
function isTyping({ target, key }) {
  if (!(target instanceof HTMLElement) || key === "Escape") return false;
  if (target.matches("input, select, textarea")) return true;
  return target.matches("button, summary, a") && [" ", "Enter"].includes(key);
}

/**
 * @param {string} shown
 * @param {string} title
 * @param {string} command
 * @param {Partial<Binding>} [options] `keys` is the shown key in lower case by default.
 * @returns {Binding}
 */
function bind(shown, title, command, options = {}) {
  const name = shown.length === 1 ? shown.toLowerCase() : shown;
  return { keys: [name], shown, title, command, ...options };
}
