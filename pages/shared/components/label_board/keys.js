// Keys: which key press means what, and when a key press is not ours at all.

function isEditable(target) {
  if (!target || !target.closest) return false;
  if (target.isContentEditable) return true;
  return Boolean(target.closest("input, textarea, select, [role=textbox], [role=combobox], [role=listbox], [role=menu]"));
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

function digitOf(event) {
  const code = /^(Digit|Numpad)([0-9])$/.exec(event.code || "");
  if (code && code[1] === "Numpad" && /^(End|Home|Page|Arrow|Insert|Clear|Delete)/.test(event.key)) return "";
  if (code) return code[2];
  return /^[0-9]$/.test(event.key) ? event.key : "";
}

function letterOf(event) {
  // An input method reports "Process" (229) or a Zhuyin sign: then only the place on the keyboard tells the letter.
  if (/^[a-zA-Z]$/.test(event.key)) return event.key.toLowerCase();
  const code = /^Key([A-Z])$/.exec(event.code || "");
  return code ? code[1].toLowerCase() : "";
}

const LETTERS = { s: "skip", f: "flag", u: "undo", r: "again" };

// → {act: "toggle", digit} | {act: "save"|"skip"|"flag"|"undo"|"again"|"help"|"escape"} | null when the key is not ours.
function readKey(event) {
  const target = event.composedPath ? event.composedPath()[0] : event.target;
  if (event.isComposing || event.repeat) return null;
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (isEditable(target) || dialogIsOpen()) return null;
  if (event.key === "?" || (event.shiftKey && event.code === "Slash")) return { act: "help" };
  if (event.shiftKey) return null;
  if (event.key === "Escape") return { act: "escape" };
  if (event.key === "Enter" || event.code === "NumpadEnter") {
    // 229: the input method takes this Enter to end its composition.
    return event.keyCode === 229 || isOtherControl(target) ? null : { act: "save" };
  }
  const digit = digitOf(event);
  if (digit) return { act: "toggle", digit };
  const act = LETTERS[letterOf(event)];
  return act ? { act } : null;
}
