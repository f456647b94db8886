// The settings of one person's desk: every change is worn at once and kept on the server.

function makeSettings({ view, usual, desk, change, closed }) {
  const sheet = view.part("settings");
  const veil = view.part("settings-veil");
  let asking = null;     // the action that waits for its new key
  let w = null;

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };
  const say = (sentence, bad) => {
    view.put("settings-said", sentence);
    view.part("settings-said").classList.toggle("warn", Boolean(bad));
  };
  const kept = () => say(w.set_kept);
  const fill = (template, fields) => template.replace(/\{(\w+)\}/g, (all, name) => String(fields[name] ?? ""));

  function row(name, words, field) {
    const line = make("label", "set");
    field.dataset.setting = name;
    line.append(make("span", "", words), field);
    return line;
  }

  function choice(name, words, values, say = String) {
    const select = make("select");
    const now = desk()[name];
    const all = values.includes(now) ? values : [...values, now].sort((a, b) => a - b);
    for (const value of all) {
      const option = make("option", "", say(value));
      option.value = JSON.stringify(value);
      option.selected = value === now;
      select.append(option);
    }
    select.addEventListener("change", () => { change({ [name]: JSON.parse(select.value) }); kept(); });
    return row(name, words, select);
  }

  function number(name, words, low, high, empty) {
    const field = make("input");
    field.type = "number";
    field.min = String(low);
    field.max = String(high);
    field.step = "1";
    const now = desk()[name];
    field.value = now === null ? "" : String(now);
    field.placeholder = empty;
    field.addEventListener("change", () => {
      const wanted = field.value.trim() === "" ? null : Math.round(Number(field.value));
      if ((wanted === null && empty) || (wanted !== null && wanted >= low && wanted <= high)) { change({ [name]: wanted }); kept(); }
      else say(fill(w.set_bounds, { low, high }), true);
    });
    return row(name, words, field);
  }

  function tick(name, words) {
    const field = make("input");
    field.type = "checkbox";
    field.checked = desk()[name];
    field.addEventListener("change", () => { change({ [name]: field.checked }); kept(); });
    return row(name, words, field);
  }

  function keyRow(action) {
    const button = make("button", "keying");
    button.type = "button";
    button.dataset.action = action;
    const words = nameOf(action);
    const keymap = makeKeymap(usual().keys, desk().keys);
    const waiting = asking === action;
    button.append(waiting ? make("em", "", w.set_press) : make("kbd", "", keymap.say(action)));
    button.setAttribute("aria-label", words + " " + (waiting ? w.set_press : keymap.say(action)));
    button.setAttribute("aria-pressed", String(waiting));
    button.addEventListener("click", () => { asking = waiting ? null : action; say(asking ? w.set_press_long : ""); paintKeys(action); });
    const line = make("div", "set");
    line.append(make("span", "", words), button);
    return line;
  }

  function paintKeys(focus) {
    view.part("settings-keys").replaceChildren(...Object.keys(usual().keys).map(keyRow));
    if (focus) view.part("settings-keys").querySelector(`[data-action=${focus}]`).focus();
  }

  function nameOf(action) {
    const slot = /^label([1-9])$/.exec(action);
    return slot ? fill(w.set_label, { n: slot[1] }) : w["key_" + action];
  }

  // The key for an action that waits for one. A key that is taken is refused with a sentence, and nothing changes.
  function take(event) {
    if (event.isComposing || event.keyCode === 229 && !/^(Key|Digit|Numpad)/.test(event.code)) return;
    if (["Shift", "Control", "Alt", "Meta", "CapsLock", "NumLock"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const action = asking;
    const name = event.ctrlKey || event.altKey || event.metaKey ? "" : keyName(event);
    if (event.key === "Escape") { asking = null; say(""); paintKeys(action); return; }
    if (!name || /Escape$/.test(name)) { say(w.set_unusable, true); return; }
    const keymap = makeKeymap(usual().keys, desk().keys);
    const owner = keymap.action(name);
    if (owner && owner !== action) { say(fill(w.set_taken, { key: keyWords(name), action: nameOf(owner) }), true); return; }
    const keys = { ...desk().keys, [action]: name };
    if (usual().keys[action] === name) delete keys[action];
    asking = null;
    change({ keys });
    kept();
    paintKeys(action);
  }

  function paint() {
    view.put("settings-title", w.settings);
    view.put("settings-keys-title", w.set_keys);
    view.put("settings-more", w.set_more);
    view.put("settings-reset", w.set_reset);
    view.put("settings-close", w.close);
    const sizes = [16, 18, 20, 22, 24, 28, 32];
    view.part("settings-looks").replaceChildren(
      choice("font_size", w.set_font_size, sizes, (n) => n + " px"),
      choice("line_height", w.set_line_height, [1.5, 1.7, 1.9, 2.1, 2.4]),
      choice("measure", w.set_measure, [24, 30, 35, 42, 56]),
      choice("sentences", w.set_sentences, ["", "space", "line"], (one) => w["set_sentences_" + (one || "none")]),
      tick("highlights", w.set_highlights),
      number("daily_goal", w.set_daily_goal, 0, 100000, w.set_goal_usual),
      choice("break_minutes", w.set_break, [0, 25, 45, 60, 90], (n) => (n ? fill(w.set_minutes, { n }) : w.set_never)),
    );
    paintKeys();
  }

  function toggle(words, wanted) {
    w = words;
    const open = wanted === undefined ? veil.hidden : wanted;
    if (!open && veil.hidden) return;
    veil.hidden = !open;
    asking = null;
    if (open) {
      // Fingers have no keys: there the looks are what the sheet is opened for.
      view.part("settings-keys-box").open = !window.matchMedia("(pointer: coarse)").matches;
      say("");
      paint();
      sheet.focus();
    } else closed();
  }

  // → whether the press was for the sheet, which is then on top of everything.
  function onKey(event) {
    if (veil.hidden) return false;
    if (asking) take(event);
    else if (event.key === "Escape" && !event.isComposing) { event.preventDefault(); event.stopPropagation(); toggle(w, false); }
    else keepInside(sheet, event);
    return true;
  }

  view.part("settings-close").addEventListener("click", () => toggle(w, false));
  view.part("settings-reset").addEventListener("click", () => {
    change({ ...usual(), keys: {} });
    paint();
    say(w.set_was_reset);
  });
  veil.addEventListener("click", (e) => { if (e.target === veil) toggle(w, false); });
  return { toggle, onKey, get isOpen() { return !veil.hidden; }, refused(sentence) { if (!veil.hidden) { paint(); say(sentence, true); } } };
}
