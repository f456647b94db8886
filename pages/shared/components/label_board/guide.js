// The guideline panel, beside the text or over it: labels with their rules first, then the written guideline.

function makeGuide(view) {
  const panel = view.part("guide");
  let still = null;   // what it was made of

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  function listed(words, className, lines) {
    const list = make("ul", className);
    for (const line of lines) {
      const item = make("li");
      item.append(make("b", "", words), document.createTextNode(line));
      list.append(item);
    }
    return list;
  }

  function card(label, w, key) {
    const box = make("section", "rule");
    box.dataset.rule = label.key;
    box.style.setProperty("--chip", label.colour);
    const head = make("h3", "", label.name);
    if (label.other) head.append(make("small", "", label.other));
    if (key) head.append(make("kbd", "", key));
    box.append(head, make("p", "", label.definition || w.no_definition));
    if (label.examples.length) box.append(listed(w.example, "yes", label.examples));
    if ((label.counter_examples || []).length) box.append(listed(w.counter_example, "no", label.counter_examples));
    if (label.note) {
      const note = make("p", "by-lead");
      note.append(make("b", "", w.lead_note), document.createTextNode(label.note));
      box.append(note);
    }
    return box;
  }

  // A block of the written guideline: {kind, runs: [[text, strong]]}; text only, never markup.
  function block(one) {
    const node = make({ heading: "h3", item: "li", row: "p" }[one.kind] || "p", one.kind);
    for (const [text, strong] of one.runs) node.append(strong ? make("b", "", text) : document.createTextNode(text));
    return node;
  }

  function fill(data, keymap) {
    const w = data.words;
    view.put("guide-title", w.guideline);
    const body = view.part("guide-body");
    const written = [];
    for (const one of data.guideline || []) {
      const last = written.at(-1);
      if (one.kind !== "item") written.push(block(one));
      else if (last && last.className === "items") last.append(block(one));
      else { const list = make("ul", "items"); list.append(block(one)); written.push(list); }
    }
    const some = data.some ? [make("p", "quiet", w.guide_some)] : [];
    body.replaceChildren(...some, ...data.labels.map((label) => card(label, w, labelKey(label, keymap))), ...written);
  }

  function toggle(data, keymap, wanted) {
    const open = wanted === undefined ? panel.hidden : wanted;
    if (open && still !== data.labels) { fill(data, keymap); still = data.labels; }
    panel.hidden = !open;
    view.part("board").classList.toggle("guided", open);
    view.part("guide-ask").setAttribute("aria-expanded", String(open));
  }

  return {
    toggle,
    refresh(data, keymap) { still = null; if (!panel.hidden) toggle(data, keymap, true); },
    get isOpen() { return !panel.hidden; },
    show(key) {
      const box = panel.querySelector(`[data-rule="${CSS.escape(key)}"]`);
      if (box) box.scrollIntoView({ block: "nearest" });
    },
  };
}
