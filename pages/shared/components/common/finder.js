// One of thousands of labels, found by part of its name: a field that reads as a combobox, and a list of which only the
// rows that are seen are made.

const FOUND_ROW = 40;     // pixels, as board.css has it
const FOUND_SPARE = 6;    // rows made above and below those that are seen

// A word as it is looked for: letters of one width and case, and characters as `alike` has them.
const folded = (word, alike) => alike(word.normalize("NFKC").toLowerCase());

// How well one of a label's words meets what is looked for, the less the better; 9 where it does not.
function distanceOf(word, wanted) {
  const at = word.indexOf(wanted);
  if (at < 0) return 9;
  if (word.length === wanted.length) return 0;
  if (at === 0) return 2;
  return /[\s\-_/·・()（）:：]/.test(word[at - 1]) ? 3 : 4;
}

// Labels as they are searched: {key, words: names and key, number}.
function indexOf(labels, alike) {
  return labels.map((label) => ({
    label, number: String(Number(label.number || 0)), words: [label.name, label.other, label.key].filter(Boolean).map((word) => folded(word, alike)),
  }));
}

// The labels that meet all parts of a query, best first: the whole name, its number, its beginning, a word's beginning,
// anywhere. Of equals the shorter word, then the board's order. An empty query finds all.
function findLabels(index, query, alike) {
  const parts = folded(query, alike).split(/\s+/).filter(Boolean);
  if (!parts.length) return index.map((one) => one.label);
  const whole = parts.join(" ");
  const met = [];
  for (const one of index) {
    let best = 9;
    let length = 0;
    one.words.forEach((word, kind) => {
      const distance = distanceOf(word, whole);
      if (distance === 9) return;
      const rank = distance + kind / 10;
      if (rank < best) { best = rank; length = word.length; }
    });
    if (/^\d+$/.test(whole) && one.number !== "0" && one.number === String(Number(whole))) best = Math.min(best, 1);
    if (best === 9 && parts.length > 1 && parts.every((part) => one.words.some((word) => word.includes(part)))) best = 5;
    if (best < 9) met.push([best, length, met.length, one.label]);
  }
  met.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return met.map((each) => each[3]);
}

// `field`, `list` and `count` are the page's; `labels`, `chosen` and `words` say what there is now; `toggle` chooses,
// `takeLast` takes off the last one chosen, `look` is told of the label that Enter would choose, or null.
function makeFinder({ field, list, count, labels, chosen, words, alike, toggle, takeLast, look }) {
  let index = [];
  let indexed = null;    // the labels that it was made of
  let found = [];
  let at = 0;
  let open = false;

  const name = list.id;
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  const room = make("div");  // as high as all rows would be
  room.setAttribute("role", "presentation");

  function option(label, n) {
    const row = make("div", n === at ? "option at" : "option");
    const has = chosen().has(label.key);
    row.id = `${name}-${n}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(has));
    row.setAttribute("aria-posinset", String(n + 1));
    row.setAttribute("aria-setsize", String(found.length));
    row.dataset.found = label.key;
    row.style.setProperty("--chip", label.colour);
    row.title = label.other ? label.name + "　" + label.other : label.name;
    row.append(make("span", "mark"), make("span", "name", label.name), make("small", "", label.other), make("b", "", has ? "✓" : ""));
    return row;
  }

  // The rows that are seen, and room for the others.
  function paint() {
    list.hidden = !open;
    field.setAttribute("aria-expanded", String(open));
    count.textContent = open ? words()[found.length ? "found_n" : "found_none"].replace("{n}", found.length.toLocaleString("en")) : "";
    if (!open || !found.length) { list.replaceChildren(); field.removeAttribute("aria-activedescendant"); return; }
    const height = list.clientHeight || 8 * FOUND_ROW;
    const first = Math.max(0, Math.min(Math.floor(list.scrollTop / FOUND_ROW), found.length - 1) - FOUND_SPARE);
    const last = Math.min(found.length, Math.ceil((list.scrollTop + height) / FOUND_ROW) + FOUND_SPARE);
    room.style.paddingTop = first * FOUND_ROW + "px";
    room.style.paddingBottom = (found.length - last) * FOUND_ROW + "px";
    if (!room.isConnected) list.replaceChildren(room);
    room.replaceChildren(...found.slice(first, last).map((label, n) => option(label, first + n)));
    if (at >= first && at < last) field.setAttribute("aria-activedescendant", `${name}-${at}`);
    else field.removeAttribute("aria-activedescendant");
  }

  function goTo(n) {
    at = Math.max(0, Math.min(found.length - 1, n));
    const top = at * FOUND_ROW;
    paint();  // so that the list is there and as long as it will be
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + FOUND_ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + FOUND_ROW - list.clientHeight;
    paint();
    look(open && found.length ? found[at] : null);
  }

  function filter() {
    if (indexed !== labels()) { indexed = labels(); index = indexOf(indexed, alike); }
    found = findLabels(index, field.value, alike);
    list.scrollTop = 0;
    goTo(0);
  }

  function close() {
    if (!open && !field.value) return;
    open = false;
    field.value = "";
    found = [];
    paint();
    look(null);
  }

  function leave() {
    close();
    field.blur();
  }

  function browse() {
    field.focus();
    open = true;
    filter();
  }

  // The place in the list stays, so that several can be chosen one after the other; what was typed is done with.
  function choose(label) {
    toggle(label.key);
    if (field.value) close();
    else paint();
  }

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (event.key === "Escape") leave();
    else if (move && !open) { if (move > 0) browse(); }
    else if (move) goTo(at + move);
    else if (event.key === "Enter" && !event.repeat) {
      if (!open) leave();
      else if (found.length) choose(found[at]);
    } else if (event.key === "Backspace" && !field.value && !event.repeat) takeLast();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", name);
  field.setAttribute("aria-expanded", "false");
  field.addEventListener("keydown", onKey);
  field.addEventListener("input", () => { open = Boolean(field.value.trim()); filter(); });
  field.addEventListener("blur", () => window.setTimeout(() => {  // a press on the list may give it back
    if (field.getRootNode().activeElement !== field) close();
  }, 150));
  list.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") event.preventDefault(); });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[data-found]");
    const label = row && found.find((one) => one.key === row.dataset.found);
    if (label) { field.focus(); choose(label); }
  });
  list.addEventListener("scroll", () => { if (open) paint(); });

  return { open: () => field.focus(), browse, close, paint: () => { if (open) paint(); }, get isOpen() { return open; } };
}
