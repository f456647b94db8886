// A board of more labels than it lists: those at hand on rows with a digit, those chosen as chips, all others behind
// the search.

const AT_HAND = 9;        // rows, one a digit
const LIKELY = 5;         // of them for what the model thinks, where it says anything
const LIKELY_FROM = 0.05; // a label less likely than this takes nobody's row
const LOOKED_BACK = 40;   // decisions

// Label keys of my last decisions, the latest first. `alive`: keys as today's labels have them.
function usedLast(past, alive) {
  const found = new Set();
  for (let n = past.length - 1; n >= Math.max(0, past.length - LOOKED_BACK) && found.size < 3 * AT_HAND; n -= 1) {
    for (const key of alive(past.at(n).labels || [])) found.add(key);
  }
  return [...found];
}

// The same labels where they stood before; who is new takes the place of who has gone.
function settled(before, wanted) {
  const here = new Set(wanted);
  const fresh = wanted.filter((key) => !before.includes(key));
  const kept = before.map((key) => (here.has(key) ? key : fresh.shift())).filter(Boolean);
  return [...kept, ...fresh].slice(0, wanted.length);
}

// Rows for one text, in the order of their digits: {label, digit, of}. A lead's digits stay their labels' own.
function rowsAtHand({ labels, byKey, suggestions, thresholds, used, before }) {
  const pinned = labels.filter((label) => label.digit).slice(0, AT_HAND);
  const taken = new Set(pinned.map((label) => label.key));
  const free = [..."123456789"].filter((digit) => !pinned.some((label) => label.digit === digit));
  const likely = Object.entries(suggestions || {})
    .filter(([key, p]) => byKey.has(key) && !taken.has(key) && p >= Math.min(LIKELY_FROM, thresholds[key] ?? 1))
    .sort((a, b) => b[1] - a[1]).slice(0, Math.min(LIKELY, free.length)).map(([key]) => key);
  likely.forEach((key) => taken.add(key));
  const room = free.length - (suggestions ? Math.min(LIKELY, free.length) : 0);
  const recent = settled(before, used.filter((key) => byKey.has(key) && !taken.has(key)).slice(0, room));
  recent.forEach((key) => taken.add(key));
  const others = [...used, ...labels.slice(0, 4 * AT_HAND).map((label) => label.key)].filter((key) => byKey.has(key) && !taken.has(key));
  const more = [...new Set(others)].slice(0, free.length - likely.length - recent.length);
  const rows = [
    ...pinned.map((label) => ({ label, of: "pinned" })),
    ...[
      ...likely.map((key) => [key, "likely"]), ...more.map((key) => [key, used.includes(key) ? "recent" : "first"]),
      ...recent.map((key) => [key, "recent"]),
    ].map(([key, of], n) => ({ label: { ...byKey.get(key), digit: free[n] }, of })),
  ];
  return { rows, recent };
}

function makeMany({ s, root, view, comfort, desk, tap, look }) {
  const chips = view.part("chosen");
  const byKey = new Map();
  let known = null;      // the labels that `byKey` was made of
  let rows = [];
  let painted = "";      // what the rows on the screen are
  let before = new Map();  // how many rows for those used last → who had them
  let onRows = null;     // what the rows were made for
  let set = new Set();
  let ruled = null;

  const on = () => Boolean(s.data && s.data.listed && s.data.labels.length > s.data.listed);
  const nameOf = (key) => (byKey.get(key) || { name: key }).name;

  const finder = makeFinder({
    field: view.part("many-search"), list: view.part("found"), count: view.part("found-count"),
    labels: () => s.data.labels, chosen: () => set, words: () => s.data.words, alike: comfort.plain,
    toggle: tap, takeLast: () => takeOff(true), look,
  });

  // Rows are made once for a text: digits do not change under the fingers.
  function handy(now, fresh) {
    if (!on()) { chips.hidden = true; view.part("finding").hidden = true; return; }
    if (known !== s.data.labels) {
      known = s.data.labels;
      byKey.clear();
      known.forEach((label) => byKey.set(label.key, label));
      painted = "";
      onRows = null;
      before = new Map();
    }
    view.part("finding").hidden = false;
    if (onRows === now && !fresh && painted) return;
    if (fresh) painted = "";  // the keys or the words may be others
    onRows = now;
    const suggestions = now && now === s.current ? now.doc.suggestions : null;
    const used = usedLast(desk.past, desk.alive);
    const made = rowsAtHand({
      labels: known, byKey, suggestions, thresholds: s.data.thresholds || {}, used, before: before.get(Boolean(suggestions)) || [],
    });
    before.set(Boolean(suggestions), made.recent);
    rows = made.rows;
    ruled = null;
    const looks = JSON.stringify([s.looks, rows.map((row) => [row.label.key, row.label.digit, row.of])]);
    if (looks === painted) return;
    painted = looks;
    view.buildLabels(rows.map((row) => row.label), s.data.words, s.keymap, { toggle: tap, note: desk.note }, {
      all: known.length, of: rows.map((row) => s.data.words["of_" + row.of]),
    });
  }

  function chip(key, enabled) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "chip";
    made.dataset.chip = key;
    made.disabled = !enabled;
    made.style.setProperty("--chip", (byKey.get(key) || {}).colour || "");
    made.setAttribute("aria-label", view.fill(s.data.words.take_off, { label: nameOf(key) }));
    const cross = document.createElement("span");
    cross.textContent = "×";
    const name = document.createElement("span");
    name.textContent = nameOf(key);
    made.append(name, cross);
    made.addEventListener("click", () => takeAway(key));
    return made;
  }

  // What is chosen, in the order in which it was.
  function paint(chosen, enabled) {
    if (!on()) return;
    set = chosen || new Set();
    ruled = null;
    const held = (focusIn(root) || {}).dataset?.chip;
    const shown = [...chips.children].map((one) => one.dataset.chip);
    if (shown.join("\n") !== [...set].join("\n") || [...chips.children].some((one) => one.disabled === enabled)) {
      chips.replaceChildren(...[...set].map((key) => chip(key, enabled)));
      if (held !== undefined && chips.children.length) {
        (chips.children[Math.min(shown.indexOf(held), chips.children.length - 1)] || chips.lastElementChild).focus();
      } else if (held !== undefined) view.part("board").focus({ preventScroll: true });
    }
    chips.hidden = !set.size;
    finder.paint();
  }

  function takeAway(key) { if (set.has(key)) tap(key); }

  // The chip that has the focus, or else the last one. → whether there was one.
  function takeOff(last) {
    const held = last ? undefined : (focusIn(root) || {}).dataset?.chip;
    const key = held ?? [...set].at(-1);
    if (key === undefined) return false;
    takeAway(key);
    return true;
  }

  view.watch(paint);
  return {
    handy, takeOff, finder,
    get on() { return on(); },
    get rows() { return rows.map((row) => row.label); },
    // The labels whose rules the guideline panel shows: those at hand and those chosen.
    get ruled() {
      ruled ??= [...new Map([...[...set].map((key) => byKey.get(key)).filter(Boolean), ...rows.map((row) => byKey.get(row.label.key))]
        .map((label) => [label.key, label])).values()];
      return ruled;
    },
    words(w) {
      view.part("many-search").setAttribute("aria-label", w.find);
      view.part("many-search").placeholder = w.find_example;
      view.put("many-key", s.keymap.say("search"));
      view.part("found").setAttribute("aria-label", w.labels);
      chips.setAttribute("aria-label", w.chosen);
    },
  };
}
