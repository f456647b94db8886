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
  const toggles = new Map();

  function buildLabels(labels, words, on) {
    const box = part("labels");
    box.setAttribute("aria-label", words.labels);
    box.replaceChildren();
    toggles.clear();
    for (const label of labels) {
      const row = make("div", "row");
      const toggle = make("button", "toggle");
      toggle.type = "button";
      toggle.dataset.label = label.key;
      toggle.style.setProperty("--chip", label.colour);
      toggle.setAttribute("aria-pressed", "false");
      if (label.digit) toggle.setAttribute("aria-keyshortcuts", label.digit);
      const mark = make("span", "mark");
      mark.setAttribute("aria-hidden", "true");
      toggle.append(mark, make("span", "name", label.name), make("span", "chance"), make("kbd", "", label.digit));
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
    }
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

  function words(data) {
    const w = data.words;
    const button = (name, text, key) => part(name).replaceChildren(make("span", "", text), make("kbd", "", key));
    button("save", w.save, "Enter");
    button("skip", w.skip, "S");
    button("flag", w.flag, "F");
    button("undo", w.undo, "U");
    for (const [name, key] of [["save", "Enter"], ["skip", "S"], ["flag", "F"], ["undo", "U"]]) {
      part(name).setAttribute("aria-keyshortcuts", key);
    }
    part("ask").setAttribute("aria-label", w.help);
    part("ask").title = w.help;
    part("note-close").setAttribute("aria-label", w.close);
    part("board").setAttribute("aria-label", w.board);
    part("board").lang = data.lang === "en" ? "en" : "zh-Hant";
    part("bar").setAttribute("aria-label", w.goal_bar);
    put("comment-label", w.comment);
    part("comment").placeholder = w.comment_example;
    put("comment-send", w.comment_send);
    put("comment-cancel", w.comment_cancel);
    put("press", w.press);
    put("help-title", w.help);
    put("help-more", w.help_more);
    put("help-close", w.close);
    const list = part("help-keys");
    list.replaceChildren();
    for (const [keys, meaning] of w.keys) {
      const term = make("dt");
      keys.split(" ").forEach((key) => term.append(make("kbd", "", key)));
      list.append(term, make("dd", "", meaning));
    }
  }

  function text(doc) {
    const paragraphs = doc ? doc.text.split(/\n+/).filter((line) => line.trim()) : [];
    part("text").replaceChildren(...paragraphs.map((line) => make("p", "", line)));
    part("text").hidden = !doc;
    const paper = part("paper");
    paper.dataset.document = doc ? String(doc.id) : "";
    paper.classList.toggle("long", Boolean(doc) && doc.text.length > 700);
    put("why", doc && doc.why ? doc.why : "");
    part("why").hidden = !(doc && doc.why);
    for (const [key, toggle] of toggles) {
      const chance = doc && doc.suggestions ? doc.suggestions[key] : undefined;
      toggle.querySelector(".chance").textContent = chance === undefined ? "" : chance.toFixed(2);
    }
    // On a telephone the reader has scrolled down to the labels: bring the new text's beginning back.
    const top = paper.getBoundingClientRect().top;
    if (doc && (top < 0 || top > window.innerHeight * 0.7)) part("board").scrollIntoView({ block: "start" });
  }

  function chosen(set, enabled) {
    for (const [key, toggle] of toggles) {
      toggle.setAttribute("aria-pressed", set && set.has(key) ? "true" : "false");
      toggle.disabled = !enabled;
    }
  }

  function note(label, w) {
    const box = part("note");
    box.hidden = !label;
    if (!label) return;
    box.style.setProperty("--chip", label.colour);
    put("note-name", label.other ? label.name + "　" + label.other : label.name);
    put("note-definition", label.definition || w.no_definition);
    part("note-examples").replaceChildren(...label.examples.map((example) => make("li", "", example)));
  }

  function progress(data, pace) {
    const p = data.progress;
    const w = data.words;
    const share = p.daily_goal ? Math.min(100, Math.round((100 * p.today) / p.daily_goal)) : 0;
    put("today", fill(p.daily_goal ? w.today_of : w.today, { n: p.today, goal: p.daily_goal }));
    part("bar").hidden = !p.daily_goal;
    part("bar").setAttribute("aria-valuenow", String(share));
    part("bar").firstElementChild.style.width = share + "%";
    put("pool", fill(w.pool, { n: p.labelled, all: p.pool }));
    put("pace", pace ? fill(w.pace, { s: pace }) : "");
  }

  function state(name, count, w) {
    const at = part("state");
    at.dataset.state = name;
    at.dataset.pending = String(count);
    put("state", fill((count ? "" : w[`state_${name}_idle`]) || w["state_" + name], { n: count }));
  }

  function empty(message) {
    part("empty").hidden = !message;
    put("empty-title", message ? message.title : "");
    put("empty-body", message ? message.body : "");
    const again = part("again");
    again.hidden = !(message && message.again);
    if (!again.hidden) again.replaceChildren(make("span", "", message.again), make("kbd", "", "R"));
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

  return {
    part, put, buildLabels, words, text, chosen, note, progress, state, empty, notices, toggles,
    hint: (sentence, warn) => { put("hint", sentence); part("hint").classList.toggle("warn", Boolean(warn)); },
  };
}
