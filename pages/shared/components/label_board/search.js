// The label search: a name, part of a name or a number finds a label among hundreds. Enter chooses it; the box stays open.

function makeSearch({ view, labels, toggle, closed }) {
  const box = view.part("searching");
  const field = view.part("search");
  let found = [];
  let at = 0;

  const wordsOf = (label) => [label.name, label.other, label.key, label.number].join("\n").toLowerCase();
  function filter() {
    const query = field.value.trim().toLowerCase();
    found = labels().filter((label) => !query || wordsOf(label).includes(query)).map((label) => label.key);
    at = Math.min(at, Math.max(0, found.length - 1));
    const here = new Set(found);
    for (const [key, one] of view.toggles) {
      one.parentElement.hidden = !here.has(key);
      one.classList.toggle("found", Boolean(query) && key === found[at]);
    }
    view.found(query ? found.length : null);
    const one = query && view.toggles.get(found[at]);
    if (one) one.scrollIntoView({ block: "nearest" });
  }

  function open() {
    box.hidden = false;
    field.value = "";
    at = 0;
    filter();
    field.focus();
  }

  function close() {
    if (box.hidden) return;
    box.hidden = true;
    field.value = "";
    filter();
    if (field === field.getRootNode().activeElement) field.blur();
    closed();
  }

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") close();
    else if (move) { at = Math.min(found.length - 1, Math.max(0, at + move)); filter(); }
    else if (event.key === "Enter" && !event.repeat) {
      if (!field.value.trim()) close();
      else if (found.length) { toggle(found[at]); field.value = ""; at = 0; filter(); }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  field.addEventListener("keydown", onKey);
  field.addEventListener("input", () => { at = 0; filter(); });
  view.part("search-close").addEventListener("click", close);
  return { open, close, get isOpen() { return !box.hidden; } };
}
