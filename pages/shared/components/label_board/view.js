// The view: paints what it is told, and says which control was used. Data enters as textContent only.

function makeView(root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const put = (name, words) => { const at = part(name); if (at.textContent !== words) at.textContent = words; };
  const make = (tag, className, words) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (words) node.textContent = words;
    return node;
  };
  const fill = (template, fields) => template.replace(/\{(\w+)\}/g, (all, name) => String(fields[name] ?? ""));
  const count = (n) => n.toLocaleString("en");  // 1,200, as everywhere on the pages
  const toggles = new Map();
  const chances = new Map();

  let watching = () => {};

  // `more`: what stands over the first row of a kind, and how many labels there are beside these.
  function buildLabels(labels, words, keymap, on, more) {
    const box = part("labels");
    box.setAttribute("aria-label", words.labels);
    box.replaceChildren();
    box.classList.toggle("many", labels.length > 14);
    part("seek").hidden = !more && labels.length <= 9;
    button("seek", more ? "browse" : "search", more ? fill(words.browse, { n: count(more.all) }) : words.search, keymap);
    part("seek").dataset.act = more ? "browse" : "search";
    toggles.clear();
    chances.clear();
    labels.forEach((label, n) => {
      if (more && more.of[n] !== more.of[n - 1]) box.append(make("p", "of", more.of[n]));
      const key = labelKey(label, keymap);
      const row = make("div", "row");
      const toggle = make("button", "toggle");
      toggle.type = "button";
      toggle.dataset.label = label.key;
      toggle.dataset.number = label.number || "";
      toggle.style.setProperty("--chip", label.colour);
      toggle.setAttribute("aria-pressed", "false");
      if (key.length === 1) toggle.setAttribute("aria-keyshortcuts", key);
      const mark = make("span", "mark");
      mark.setAttribute("aria-hidden", "true");
      const chance = make("span", "chance");
      chance.hidden = true;
      chance.append(make("i"), make("span"));
      toggle.append(mark, make("span", "name", label.name), chance, make("kbd", "", key));
      const info = make("button", "info", "i");
      info.type = "button";
      info.setAttribute("aria-label", fill(words.about, { label: label.name }));
      info.addEventListener("click", () => on.note(label, "held"));
      toggle.addEventListener("pointerenter", (e) => { if (e.pointerType === "mouse") on.note(label, "hover"); });
      toggle.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") on.note(null, "hover"); });
      toggle.addEventListener("focus", () => { if (toggle.matches(":focus-visible")) on.note(label, "focus"); });
      toggle.addEventListener("blur", () => on.note(null, "focus"));
      listenPress(toggle, () => on.toggle(label.key), () => on.note(label, "held"));
      row.append(toggle, info);
      box.append(row);
      toggles.set(label.key, toggle);
      chances.set(label.key, chance);
    });
  }

  function listenPress(toggle, tap, hold) {
    let timer = 0;
    let held = false;
    toggle.addEventListener("pointerdown", (e) => {
      held = false;
      if (e.pointerType === "mouse") return;
      timer = window.setTimeout(() => { held = true; hold(); }, 500);
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      toggle.addEventListener(name, () => window.clearTimeout(timer));
    }
    toggle.addEventListener("contextmenu", (e) => { if (held) e.preventDefault(); });
    toggle.addEventListener("click", () => { if (!held) tap(); held = false; });
  }

  // Every button bears the key that does the same.
  function button(name, action, words, keymap, short) {
    const at = part(name);
    at.replaceChildren(make("span", "", short || words), make("kbd", "", keymap.say(action)));
    at.setAttribute("aria-keyshortcuts", keymap.of(action));
    if (short) { at.title = words; at.setAttribute("aria-label", words); }
  }

  function words(data, keymap) {
    const w = data.words;
    decisions(Boolean(part("pastbar").dataset.entry), w, keymap);
    button("back", "back", w.key_back, keymap, w.back_short);
    button("forward", "forward", w.key_forward, keymap, w.forward_short);
    button("guide-ask", "guide", w.guideline, keymap, w.guideline_short);
    button("settings-ask", "settings", w.settings, keymap, w.settings_short);
    button("ask", "help", w.help, keymap, w.help_short);
    for (const name of ["note-close", "guide-close", "search-close"]) part(name).setAttribute("aria-label", w.close);
    part("board").setAttribute("aria-label", w.board);
    part("board").lang = { en: "en", hans: "zh-Hans" }[data.lang] || "zh-Hant";
    part("guide").setAttribute("aria-label", w.guideline);
    part("bar").setAttribute("aria-label", w.goal_bar);
    part("search").setAttribute("aria-label", w.search);
    part("search").placeholder = w.search_example;
    part("comment").placeholder = w.comment_example;
    const plain = {
      "comment-label": w.comment, "comment-send": w.comment_send, "comment-cancel": w.comment_cancel, press: w.press,
      "help-title": w.help, "help-more": w.help_more, "help-close": w.close, "rest-close": w.rest_close,
    };
    for (const [name, text] of Object.entries(plain)) put(name, text);
    help(data, keymap);
  }

  function help(data, keymap) {
    const w = data.words;
    const rows = [[["label1", "label2", "…", "label9"], w.key_toggle]];
    if (data.labels.some((label) => !label.digit)) {
      const code = (data.labels.find((label) => !label.digit) || {}).number || "";
      rows.push([["number", ...code], w.key_number]);
    }
    if (data.listed && data.labels.length > data.listed && !keymap.action("Backspace")) rows.push([["Backspace"], w.key_take_off]);
    for (const action of ["save", "stay", "skip", "flag", "undo", "back", "forward", "guide", "search", "highlights", "again", "settings", "help"]) {
      rows.push([[action], w["key_" + action]]);
    }
    const list = part("help-keys");
    list.replaceChildren();
    for (const [keys, meaning] of rows) {
      const term = make("dt");
      keys.forEach((key) => term.append(key === "…" ? document.createTextNode("…") : make("kbd", "", keymap.say(key) || key)));
      list.append(term, make("dd", "", meaning));
    }
  }

  // `past`: an old decision of mine instead of a text from the queue.
  function text(doc, comfort, data, past) {
    part("text").replaceChildren(...(doc ? comfort.paragraphs(doc.text) : []));
    part("text").hidden = !doc;
    const paper = part("paper");
    paper.dataset.document = doc ? String(doc.id) : "";
    paper.classList.toggle("past", Boolean(past));
    put("why", doc && doc.why ? doc.why : "");
    part("why").hidden = !(doc && doc.why);
    const suggested = doc && doc.suggestions;
    if (suggested || paper.dataset.suggested) {
      paper.dataset.suggested = suggested ? "1" : "";
      for (const [key, at] of chances) {
        comfort.chance(at, suggested ? suggested[key] : undefined, (data.thresholds || {})[key], data.words);
      }
    }
    // On a telephone the reader has scrolled down to the labels: bring the new text's beginning back.
    const top = paper.getBoundingClientRect().top;
    if (doc && (top < 0 || top > window.innerHeight * 0.7)) part("board").scrollIntoView({ block: "start" });
  }

  // Under a past decision the buttons make a new version of it, and the last one leads back to the desk.
  function decisions(looking, w, keymap) {
    for (const name of ["save", "stay", "skip", "flag", "undo"]) button(name, name, w[looking ? "past_" + name : name], keymap);
    const last = part("undo");
    last.dataset.act = looking ? "leave" : "undo";
    if (looking) { last.lastElementChild.textContent = "Esc"; last.setAttribute("aria-keyshortcuts", "Escape"); }
  }

  const whenOf = (at, lang) => (at ? new Intl.DateTimeFormat(lang === "en" ? "en-GB" : "zh-TW", {
    month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(new Date(at * 1000)) : "");

  function past(entry, back, data, keymap) {
    const w = data.words;
    const bar = part("pastbar");
    bar.hidden = !entry;
    if (Boolean(bar.dataset.entry) !== Boolean(entry)) decisions(Boolean(entry), w, keymap);
    bar.dataset.entry = entry ? entry.uid : "";
    if (!entry) return;
    put("past-title", [fill(w.past_title, { n: back }), whenOf(entry.at, data.lang)].filter(Boolean).join(" · "));
    const between = data.lang === "en" ? ", " : "、";
    const names = data.labels.filter((label) => entry.labels.includes(label.key)).map((label) => label.name);
    const chose = names.length && entry.decision !== "skipped" ? fill(w.past_labelled, { labels: names.join(between) }) : "";
    const other = { skipped: w.past_skipped, flagged: w.past_flagged }[entry.decision] || "";
    const decided = [other, chose].filter(Boolean).join(" · ");
    const versions = entry.versions > 1 ? fill(w.past_versions, { n: entry.versions }) : "";
    const settled = entry.left_out ? w.past_left_out : entry.settled ? fill(w.past_settled, { labels: entry.settled.join(between) || "—" }) : "";
    put("past-said", [decided, entry.comment, versions, settled].filter(Boolean).join(" · "));
    put("past-leave", w.past_leave);
  }

  function chosen(set, enabled) {
    for (const [key, toggle] of toggles) {
      const on = set && set.has(key) ? "true" : "false";
      if (toggle.getAttribute("aria-pressed") !== on) toggle.setAttribute("aria-pressed", on);
      if (toggle.disabled === enabled) toggle.disabled = !enabled;
    }
    watching(set, enabled);
  }

  function note(label, w) {
    const box = part("note");
    box.hidden = !label;
    if (!label) return;
    box.style.setProperty("--chip", label.colour);
    put("note-name", label.other ? label.name + "　" + label.other : label.name);
    put("note-definition", label.definition || w.no_definition);
    const line = (words, className) => (one) => {
      const item = make("li", className);
      item.append(make("b", "", words), document.createTextNode(one));
      return item;
    };
    const against = (label.counter_examples || []).map(line(w.counter_example, "no"));
    part("note-examples").replaceChildren(...label.examples.map(line(w.example, "yes")), ...against);
    part("note-lead").hidden = !label.note;
    put("note-lead", label.note ? w.lead_note + label.note : "");
  }

  function progress(data, pace, goal) {
    const p = data.progress;
    const w = data.words;
    const share = goal ? Math.min(100, Math.round((100 * p.today) / goal)) : 0;
    put("today", fill(goal ? w.today_of : w.today, { n: count(p.today), goal: goal ? count(goal) : "" }));
    part("bar").hidden = !goal;
    part("bar").setAttribute("aria-valuenow", String(share));
    part("bar").firstElementChild.style.width = share + "%";
    put("pool", fill(w.pool, { n: count(p.labelled), all: count(p.pool) }));
    put("pace", pace ? fill(w.pace, { s: pace }) : "");
  }

  function state(name, waiting, w) {
    const at = part("state");
    at.dataset.state = name;
    at.dataset.pending = String(waiting);
    put("state", fill((waiting ? "" : w[`state_${name}_idle`]) || w["state_" + name], { n: count(waiting) }));
    if (at.title !== at.textContent) at.title = at.textContent;  // it may be cut short in one row
  }

  function empty(message, keymap) {
    part("empty").hidden = !message;
    put("empty-title", message ? message.title : "");
    put("empty-body", message ? message.body : "");
    const again = part("again");
    again.hidden = !(message && message.again);
    if (!again.hidden) button("again", "again", message.again, keymap);
  }

  function notices(list, dismiss, w) {
    part("notices").replaceChildren(...list.map((sentence, index) => {
      const line = make("p", "", sentence);
      const close = make("button", "ghost close", "×");
      close.type = "button";
      close.setAttribute("aria-label", w.close);
      close.addEventListener("click", () => dismiss(index));
      line.append(close);
      return line;
    }));
  }

  // On a telephone the labels stand on the action bar, however high that is.
  const actions = root.querySelector(".actions");
  const whole = part("board");  // by itself: the last call comes when the board is off the page
  new ResizeObserver(() => whole.style.setProperty("--actions", actions.offsetHeight + "px")).observe(actions);

  return {
    part, put, fill, buildLabels, words, text, past, chosen, note, progress, state, empty, notices, toggles,
    watch: (seen) => { watching = seen; },  // who else shows what is chosen
    found: (n) => put("search-count", n === null ? "" : String(n)),
    // The number so far, and the labels that it can still become.
    number: (words, typed) => {
      put("number", words);
      let first = null;
      for (const toggle of toggles.values()) {
        const reached = Boolean(typed) && toggle.dataset.number.startsWith(typed);
        toggle.classList.toggle("reached", reached);
        first = first || (reached ? toggle : null);
      }
      if (first) first.scrollIntoView({ block: "nearest" });
    },
    hint: (sentence, warn) => { put("hint", sentence); part("hint").classList.toggle("warn", Boolean(warn)); },
  };
}
