// The desk: the text at hand or a past decision, and what is done with it. Paints at once; the outbox carries it off.

// What the desk and the board around it both know.
function makeShared() {
  return {
    data: null,          // what the server last said
    outbox: null,
    wire: null,
    keymap: makeKeymap({}, {}),
    queue: [],
    current: null,       // {doc, uid, chosen, spent}
    undone: new Map(),   // uid of an undo or a new version → the entry as it was before
    undoWaits: false,    // for older decisions to come
    resumeAt: null,      // the document that was on the desk before a reload
    drafts: new Map(),   // document → chosen, for texts put aside
    paces: [],
    held: null,          // the label whose definition stays open
    flagging: false,
    typed: null,         // digits of a label's number, while one is being typed
    strayAt: -Infinity,  // when a key was pressed while no text was there
    guardUntil: 0,
    handy: () => {},     // which labels are at hand for what comes on the desk
  };
}

// Documents that are decided here though the server may not know it yet.
function decidedIn(ops) {
  const ids = new Set();
  const skipped = new Set();
  for (const op of ops) {
    if (op.kind === "undo") ids.delete(op.document);
    else if (op.kind === "save" || op.kind === "revise") ids.add(op.document);
    else if (op.kind === "reopen") skipped.forEach((id) => ids.delete(id));
    if (op.kind !== "undo" && op.decision === "skipped") skipped.add(op.document);
  }
  return ids;
}

// What has the focus within the board, whether it stands in a shadow or not.
function focusIn(root) {
  const at = root.getRootNode().activeElement;
  return at && root.contains(at) ? at : null;
}

function makeDesk(s, root, view, comfort, guide) {
  const past = makePast();
  const walk = makeWalk(past, alive);
  const clock = makeClock();
  let onScreen = null;   // s.current, or a past decision

  // Choices as today's labels have them: of a merged label the one that stands for it, of a retired one nothing.
  function alive(keys) {
    const merged = s.data.merged || {};
    const today = new Set(s.data.labels.map((label) => label.key));
    return new Set([...keys].map((key) => (today.has(key) ? key : merged[key])).filter((key) => today.has(key)));
  }
  const inOrder = (keys) => s.data.labels.map((label) => label.key).filter((key) => keys.has(key));
  // The labels have changed under a choice; `before` are those it was made of. → what is to be said of it, and whether it is less now.
  function relabel(before) {
    const name = (labels, key) => (labels.find((label) => label.key === key) || { name: key }).name;
    const said = [];
    let lost = false;
    for (const one of [s.current, walk.here]) {
      if (!one) continue;
      for (const key of one.chosen) {
        const now = [...alive([key])][0];
        if (now === key) continue;
        if (one === here()) {
          lost = lost || !now;
          const words = now ? s.data.words.label_merged : s.data.words.label_retired;
          said.push(view.fill(words, { label: name(before, key), into: name(s.data.labels, now) }));
        }
      }
      one.chosen = alive(one.chosen);
    }
    return { said: said.join(" "), lost };
  }

  const open = () => s.data && s.data.state === "open";
  const here = () => walk.here || s.current;
  const desk = () => ({ ...s.data.usual, keys: {}, ...s.data.desk, ...(s.wire ? s.wire.settings : null) });
  const store = (name) => `tagtail.${name}.${s.data.scope}`;
  function rememberDraft() {
    try {
      sessionStorage.setItem(store("draft"), s.current ? JSON.stringify([s.current.doc.id, [...s.current.chosen]]) : "null");
    } catch { /* private mode: a reload then begins the text anew */ }
  }
  function rememberPast() {
    try { sessionStorage.setItem(store("history"), JSON.stringify(past.plain())); } catch { /* the server knows them too */ }
  }
  function recall() {
    past.clear();
    try {
      past.restore(JSON.parse(sessionStorage.getItem(store("history"))) || []);
      const draft = JSON.parse(sessionStorage.getItem(store("draft")));
      if (draft) { s.drafts.set(draft[0], draft[1]); s.resumeAt = draft[0]; }
    } catch { /* as above */ }
  }

  function paintState() {
    if (!s.outbox || !s.data) return;
    const state = s.outbox.state;
    const slow = state === "saving" && s.outbox.waitedMs > 10000 ? "slow" : state;
    view.state(slow, s.outbox.ops.length, s.data.words);
  }

  function pace() {
    if (s.paces.length < 5) return 0;
    const sorted = [...s.paces].sort((a, b) => a - b);
    return Math.max(1, Math.round(sorted[Math.floor(sorted.length / 2)] / 1000));
  }
  function paintProgress() {
    const goal = desk().daily_goal;
    view.progress(s.data, pace(), goal === null || goal === undefined ? s.data.progress.daily_goal : goal);
  }

  function paintAll() {
    const on = here();
    if (on !== onScreen) {
      if (onScreen) onScreen.spent = clock.ms;
      clock.start(on ? on.spent : 0);
      onScreen = on;
    }
    if (on) on.cuts = s.data.thresholds || {};  // as they are on the screen from now on
    closeNumber();
    s.handy(on);
    view.text(on ? on.doc : null, comfort, s.data, walk.here);
    view.past(walk.here ? walk.here.entry : null, walk.here ? walk.back : 0, s.data, s.keymap);
    view.chosen(on ? on.chosen : null, Boolean(on) && open());
    view.empty(on ? null : emptyWords(), s.keymap);
    view.hint("");
    paintButtons();
  }

  function paintButtons() {
    const on = here();
    for (const name of ["save", "stay", "skip", "flag"]) view.part(name).disabled = !on || !open();
    view.part("save").classList.toggle("ready", Boolean(on) && on.chosen.size > 0);
    view.part("undo").disabled = !walk.here && (!(past.length || past.more) || !open());
    view.part("back").disabled = !past.length && !past.more;
    view.part("forward").disabled = !walk.here;
  }

  const closedWords = () => (s.data.archived && s.data.archived_words) || s.data[s.data.state] || s.data.closed;
  function emptyWords() {
    if (!open()) return closedWords();
    if (s.data.more && s.outbox.ops.length) return { title: s.data.words.loading, body: "" };
    return s.data.empty;
  }

  function show(doc) {
    const draft = doc ? s.drafts.get(doc.id) : null;
    // The id is made when the text is shown: however often this showing is sent, it counts once.
    s.current = doc ? { doc, uid: freshUid(), chosen: alive(draft || doc.chosen || []), spent: 0 } : null;
    if (walk.here) return;
    // Hands that outran an empty desk must not label the text that comes up under them.
    if (doc && performance.now() - s.strayAt < 1000) s.guardUntil = Math.max(s.guardUntil, performance.now() + 400);
    closeFlag();
    if (s.held) { s.held = null; view.note(null, s.data.words); }
    paintAll();
  }

  function guarded() { return performance.now() < s.guardUntil; }

  function advance() {
    const decided = decidedIn(s.outbox.ops);
    s.queue = s.queue.filter((doc) => !decided.has(doc.id));
    show(s.queue.shift() || null);
  }

  function decide(decision, comment, stay) {
    const on = here();
    if (!on || !open()) return;
    if (walk.here && walk.here.entry.settled) { view.hint(s.data.words.past_settled_no, true); return; }
    const labels = inOrder(on.chosen);
    if (decision === "labelled" && !labels.length) {
      const fingers = window.matchMedia("(pointer: coarse) and (hover: none)").matches;
      const keys = { flag: s.keymap.say("flag"), skip: s.keymap.say("skip"), search: s.keymap.say("search") };
      view.hint(view.fill(fingers ? s.data.words.need_label_touch : s.data.words.need_label, keys), true);
      view.part("labels").classList.remove("shake");
      void view.part("labels").offsetWidth;  // restart the animation
      view.part("labels").classList.add("shake");
      return;
    }
    const kept = { decision, labels: decision === "skipped" ? [] : labels, comment: comment || "" };
    if (walk.here) revise(kept, stay);
    else save(kept, labels, stay);
    paintState();
    window.setTimeout(rememberPast, 0);
  }

  function save(kept, labels, stay) {
    const { doc, uid, cuts } = s.current;
    const ms = clock.ms;
    if (ms < 300000) s.paces = [...s.paces.slice(-19), ms];
    s.drafts.delete(doc.id);
    s.wire.decided(doc.id);
    past.push({ uid, doc: { id: doc.id, text: doc.text }, ...kept, labels, versions: 1, at: Date.now() / 1000 });
    s.outbox.add({
      uid, kind: "save", project: s.data.project, document: doc.id, ...kept, ms, target: "", shown: doc.suggestions || null,
      cuts: doc.suggestions ? cuts : null,
    });
    if (stay) { s.current = null; walk.newest(); }
    advance();
    if (stay) { paintAll(); view.hint(s.data.words.stayed); }
    rememberDraft();
  }

  // An old decision of mine, changed: kept as a new version of it. Unchanged, it is only passed by.
  function revise(kept, stay) {
    const { entry, uid } = walk.here;
    const sameLabels = kept.decision === "skipped" || kept.labels.join("\n") === inOrder(alive(entry.labels)).join("\n");
    const same = kept.decision === entry.decision && sameLabels && kept.comment === (kept.decision === "flagged" ? entry.comment || "" : "");
    if (!same) {
      const fresh = freshUid();
      s.outbox.add({ uid: fresh, kind: "revise", project: s.data.project, document: entry.doc.id, ...kept, ms: clock.ms, target: uid });
      s.undone.set(fresh, entry);
      past.revise(uid, { ...kept, uid: fresh, versions: (entry.versions || 1) + 1, at: Date.now() / 1000 });
      walk.follow(fresh);
    }
    if (stay) paintAll();
    else walkBy(1);
    view.hint(same ? "" : s.data.words.revised);
  }

  function undo() {
    if (!open()) return;
    const left = walk.leave();
    const entry = past.last();
    if (!entry) {
      s.undoWaits = past.ask(false) || Boolean(past.wanted);
      if (s.undoWaits) s.outbox.send();
      else { if (left) paintAll(); view.hint(s.data.words.nothing_to_undo); }
      return;
    }
    if (entry.older) { unrevise(entry); return; }
    past.drop(entry.uid);
    const uid = freshUid();
    s.undone.set(uid, entry);
    s.outbox.add({
      uid, kind: "undo", project: s.data.project, document: entry.doc.id, target: entry.uid,
      decision: "", labels: [], comment: "", ms: 0,
    });
    if (s.current) {
      s.drafts.set(s.current.doc.id, [...s.current.chosen]);
      s.queue = [s.current.doc, ...s.queue];
    }
    s.drafts.set(entry.doc.id, entry.labels);
    show(entry.doc);
    view.hint(s.data.words.undone);
    rememberDraft();
    rememberPast();
    paintState();
    if (past.length < 3 && past.ask(false)) s.outbox.send();
  }

  // A change taken back: the version before is saved as a new one, and looked at.
  function unrevise(entry) {
    const { labels, decision, comment } = entry.older;
    const uid = freshUid();
    s.outbox.add({
      uid, kind: "revise", project: s.data.project, document: entry.doc.id, decision, comment: comment || "", ms: 0, target: entry.uid,
      labels: decision === "skipped" ? [] : labels,
    });
    s.undone.set(uid, entry);
    past.unrevise(entry.uid, uid);
    walk.enter(past.indexOf(uid));
    paintAll();
    view.hint(s.data.words.unrevised);
    paintState();
    window.setTimeout(rememberPast, 0);
  }

  function walkBy(direction) {
    if (!s.data) return;
    closeFlag();
    const wanted = past.wanted;
    const went = walk.step(direction);
    if (past.wanted && past.wanted !== wanted) s.outbox.send();
    if (went === "moved" || went === "left") paintAll();
    if (went === "left" && !s.current) advance();
    if (went === "waiting") view.hint(s.data.words.loading_past);
    if (went === "end" && direction < 0) view.hint(s.data.words.past_end);
  }

  // My skipped texts back on my desk; only where nothing else is left to do.
  function again() {
    if (!open() || here() || !s.data.empty.again) return false;
    s.outbox.add({
      uid: freshUid(), kind: "reopen", project: s.data.project, document: 0, target: "",
      decision: "", labels: [], comment: "", ms: 0,
    });
    s.data = { ...s.data, empty: { ...s.data.empty, again: "" } };  // asked once
    paintAll();
    paintState();
    return true;
  }

  function toggle(key) {
    const on = here();
    if (!on || !open()) return;
    if (on.chosen.has(key)) on.chosen.delete(key);
    else on.chosen.add(key);
    view.chosen(on.chosen, true);
    view.part("save").classList.toggle("ready", on.chosen.size > 0);
    view.hint("");
    if (walk.here) return;
    rememberDraft();
    s.wire.begun(s.data.project, on.doc.id, [...on.chosen]);
  }

  function openFlag() {
    if (!here() || !open()) return;
    s.flagging = true;
    view.part("flagging").hidden = false;
    view.part("buttons").hidden = true;
    view.part("comment").value = walk.here ? walk.here.entry.comment || "" : "";
    view.part("comment").focus();
  }

  function closeFlag() {
    if (!s.flagging) return;
    s.flagging = false;
    const inside = focusIn(root);
    view.part("flagging").hidden = true;
    view.part("buttons").hidden = false;
    if (inside) inside.blur();
  }

  function sendFlag() {
    const comment = view.part("comment").value.trim();
    closeFlag();
    decide("flagged", comment);
  }

  function note(label, why) {
    if (why === "held") s.held = s.held === label ? null : label;
    if (label && guide.isOpen) guide.show(label.key);
    view.note(label && why !== "held" ? label : s.held, s.data.words);
  }

  // A label by its number: the number key, then as many digits as the largest number has.
  function typeNumber(digit) {
    const labels = s.data.labels;
    const width = Math.max(0, ...labels.map((label) => (label.number || "").length));
    if (!width || !here() || !open()) return false;
    s.typed = digit === null ? "" : s.typed + digit;
    if (s.typed.length < width) {
      view.number(s.keymap.say("number") + " " + s.typed + "＿".repeat(width - s.typed.length), s.typed);
      return true;
    }
    const wanted = s.typed;
    closeNumber();
    const label = labels.find((one) => one.number === wanted);
    if (label) toggle(label.key);
    else view.hint(view.fill(s.data.words.no_number, { n: wanted }), true);
    return true;
  }
  function closeNumber() {
    if (s.typed === null) return;
    s.typed = null;
    view.number("", null);
  }

  return {
    past, walk, clock, open, here, desk, alive, relabel, guarded, recall, rememberDraft, rememberPast, paintAll, paintButtons, paintProgress,
    paintState, advance, decide, undo, walkBy, again, toggle, closedWords, openFlag, closeFlag, sendFlag, note, typeNumber, closeNumber,
    leave() { if (walk.leave()) { paintAll(); if (!s.current) advance(); } },
  };
}
