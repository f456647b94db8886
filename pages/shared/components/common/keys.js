// Keys: what a key press is called, what it means at this person's desk, and when it is not ours at all.

function isEditable(target) {
  if (!target || !target.closest) return false;
  if (target.isContentEditable) return true;
  const fields = "input, textarea, select, [role=textbox], [role=combobox], [role=listbox], [role=menu], [role=slider], [role=tablist]";
  return Boolean(target.closest(fields));
}

function isOtherControl(target) {
  // Enter on a link or a button means that button; on one of our toggles it means "save".
  if (!target || !target.closest) return false;
  const control = target.closest("button, a, summary, [role=button], [role=tab], [role=option]");
  return Boolean(control && !control.matches("[data-label]"));
}

function dialogIsOpen() {
  calmConnectionDialog();
  return Array.from(document.querySelectorAll("[role=dialog], dialog[open]")).some((d) => d.getClientRects().length);
}

const SIGNS = {
  Slash: ["/", "?"], Minus: ["-", "_"], Equal: ["=", "+"], Comma: [",", "<"], Period: [".", ">"], Semicolon: [";", ":"],
  Quote: ["'", '"'], BracketLeft: ["[", "{"], BracketRight: ["]", "}"], Backslash: ["\\", "|"], Backquote: ["`", "~"],
};
const NAMED = new Set([
  "Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Insert", "Delete",
  "Backspace", "F1", "F2", "F3", "F4", "F6", "F7", "F8", "F9", "F10", "Escape",
]);

// The name of a key press: "3", "S", "Enter", "Shift+Enter", "/", or "" for one that has none here.
// An input method reports "Process" (229) or a Zhuyin sign: then only the place on the keyboard tells the key.
function keyName(event) {
  const code = event.code || "";
  const hidden = event.keyCode === 229;
  const shift = event.shiftKey ? "Shift+" : "";
  const pad = /^Numpad(.+)$/.exec(code);
  if (pad) {
    if (pad[1] === "Enter") return hidden ? "" : shift + "Enter";
    if (/^(End|Home|Page|Arrow|Insert|Clear|Delete)/.test(event.key)) return "";  // NumLock is off
    return /^[0-9]$/.test(pad[1]) ? pad[1] : event.key.length === 1 ? event.key : "";
  }
  const digit = /^Digit([0-9])$/.exec(code);
  if (digit && !event.shiftKey) return digit[1];
  if (/^[0-9]$/.test(event.key)) return event.key;
  if (/^[a-zA-Z]$/.test(event.key)) return shift + event.key.toUpperCase();
  if (/^[!-~]$/.test(event.key)) return event.key;
  const letter = /^Key([A-Z])$/.exec(code);
  if (letter) return shift + letter[1];
  if (SIGNS[code]) return SIGNS[code][event.shiftKey ? 1 : 0];
  if (hidden) return "";  // the input method takes this key for its own window
  if (event.key === " ") return shift + "Space";
  return NAMED.has(event.key) ? shift + event.key : "";
}

// What a key press is called when it is for the board, and "" when it is for somebody else.
function readKey(event) {
  const target = event.composedPath ? event.composedPath()[0] : event.target;
  if (event.isComposing || event.repeat) return "";
  if (event.ctrlKey || event.altKey || event.metaKey) return "";
  if (isEditable(target) || dialogIsOpen()) return "";
  const name = keyName(event);
  if (/^(Shift\+)?Enter$/.test(name) && isOtherControl(target)) return "";
  // The space bar presses whatever button has the focus.
  if (/Space$/.test(name) && target && target.closest && target.closest("button, a, summary")) return "";
  return name;
}

// What has the focus, however deep.
function focused() {
  let at = document.activeElement;
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
  return at;
}

// A board that comes up has the keys from the first one on: a link that led here gives the focus up. A dialog or a field
// that somebody types in keeps it. `picked`: another project was chosen in the sidebar, and that choice is over.
function takeFocus(board, picked) {
  const at = focused();
  if (dialogIsOpen() || (at && board.contains(at))) return;
  const aside = Boolean(picked && at && at.closest("[data-testid=stSidebar]"));
  if (isEditable(at) && !aside) return;
  board.focus({ preventScroll: true });
}

// What was clicked in the sidebar by pointer, a link or a button, gives the focus up again; fields and what opens a list keep it.
function leaveSidebar(event) {
  if (!event.detail || !event.target.closest || !event.target.closest("[data-testid=stSidebar]")) return;
  const pressed = event.target.closest("a, button:not([aria-haspopup]), label:has(input[type=radio])");
  if (!pressed) return;
  const at = focused();
  if (at && (at === pressed || pressed.contains(at) || at.matches("input[type=radio]"))) at.blur();
}

// A label was chosen by its key: the next Enter is the board's, whatever was pressed before.
function claimEnter(board) {
  if (isOtherControl(focused()) || focused()?.matches("input[type=radio]")) board.focus({ preventScroll: true });
}

// Tab goes round inside a sheet that lies over everything.
function keepInside(sheet, event) {
  if (event.key !== "Tab") return;
  const stops = [...sheet.querySelectorAll("button, input, select, summary")].filter((one) => one.getClientRects().length);
  const at = stops.indexOf(sheet.getRootNode().activeElement);
  const next = at + (event.shiftKey ? -1 : 1);
  if (at >= 0 && next >= 0 && next < stops.length) return;
  event.preventDefault();
  stops[event.shiftKey ? stops.length - 1 : 0].focus();
}

const KEY_SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫", Escape: "Esc" };
const keyWords = (name) => name.replace("Shift+", "⇧ ").replace(/[A-Z]\w+$/, (key) => KEY_SIGNS[key] || key);

// This person's keys: the usual ones, and what they changed.
function makeKeymap(usual, changed) {
  const keys = { ...usual, ...changed };
  const actions = new Map(Object.entries(keys).map(([action, key]) => [key, action]));
  return {
    keys,
    of: (action) => keys[action] || "",
    say: (action) => keyWords(keys[action] || ""),
    action: (key) => actions.get(key) || "",
  };
}

// How a label is reached: by a key of its own, or by the number key and then its number.
function labelKey(label, keymap) {
  if (label.digit && /^[1-9]$/.test(label.digit)) return keymap.say("label" + label.digit);
  return label.number ? keymap.say("number") + " " + label.number : "";
}
