// The label board: one text, its labels, and what becomes of each decision. The server has the last word.

const HISTORY = 30;
const POKE_MS = 90000;      // while somebody works: a sign of life that renews the leases
const EMPTY_POKE_MS = 20000;
const GUARD_MS = 600;       // hands need so long to see that another text has come up under them
const GUARD_TYPING_MS = 2000;
const GUARDED = new Set(["toggle", "save", "skip", "flag"]);

function makeBoard(root) {
  const view = makeView(root);
  let data = null;          // what the server last said
  let outbox = null;
  let queue = [];
  let current = null;       // {doc, uid, chosen, since}
  let history = [];         // my decisions of this session, newest last
  let notices = [];
  let drafts = new Map();   // document → chosen, for texts put aside
  let paces = [];
  let held = null;          // the label whose definition stays open
  let flagging = false;
  let lastAct = Date.now();
  let lastSid = null;
  let strayAt = -Infinity;  // a key pressed while no text was there
  let guardUntil = 0;
  let setStateValue = null;

  const open = () => data && data.state === "open";
  const store = (name) => `tagtail.${name}.${data.scope}`;
  function remember() {
    try {
      sessionStorage.setItem(store("history"), JSON.stringify(history));
      sessionStorage.setItem(store("draft"), current ? JSON.stringify([current.doc.id, [...current.chosen]]) : "null");
    } catch { /* private mode: undo then reaches as far as this page view */ }
  }
  function recall() {
    try {
      history = JSON.parse(sessionStorage.getItem(store("history"))) || [];
      const draft = JSON.parse(sessionStorage.getItem(store("draft")));
      if (draft) drafts.set(draft[0], draft[1]);
    } catch { history = []; }
  }

  function paintState() {
    if (!outbox || !data) return;
    const state = outbox.state;
    const slow = state === "saving" && outbox.waitedMs > 10000 ? "slow" : state;
    view.state(slow, outbox.ops.length, data.words);
  }

  function pace() {
    if (paces.length < 5) return 0;
    const sorted = [...paces].sort((a, b) => a - b);
    return Math.max(1, Math.round(sorted[Math.floor(sorted.length / 2)] / 1000));
  }

  function paintAll() {
    view.text(current ? current.doc : null);
    view.chosen(current ? current.chosen : null, Boolean(current) && open());
    view.empty(current ? null : emptyWords());
    view.hint("");
    paintButtons();
  }

  function paintButtons() {
    for (const name of ["save", "skip", "flag"]) view.part(name).disabled = !current || !open();
    view.part("save").classList.toggle("ready", Boolean(current) && current.chosen.size > 0);
    view.part("undo").disabled = !history.length || !open();
  }

  function emptyWords() {
    if (!open()) return data.closed;
    if (data.more && outbox.ops.length) return { title: data.words.loading, body: "" };
    return data.empty;
  }

  function show(doc) {
    const draft = doc ? drafts.get(doc.id) : null;
    // The id is made when the text is shown: however often this showing is sent, it counts once.
    current = doc ? { doc, uid: freshUid(), chosen: new Set(draft || doc.chosen || []), since: performance.now() } : null;
    // Hands that outran an empty desk must not label the text that comes up under them.
    if (doc && performance.now() - strayAt < 1000) guardUntil = Math.max(guardUntil, performance.now() + 400);
    closeFlag();
    if (held) { held = null; view.note(null, data.words); }
    paintAll();
  }

  function guarded() { return performance.now() < guardUntil; }

  function advance() {
    const decided = outbox.decided();
    queue = queue.filter((doc) => !decided.has(doc.id));
    show(queue.shift() || null);
  }

  function decide(decision, comment) {
    if (!current || !open()) return;
    if (decision === "labelled" && !current.chosen.size) {
      view.hint(data.words.need_label, true);
      view.part("labels").classList.remove("shake");
      void view.part("labels").offsetWidth;  // restart the animation
      view.part("labels").classList.add("shake");
      return;
    }
    const { doc, uid } = current;
    const ms = Math.round(performance.now() - current.since);
    const labels = data.labels.map((label) => label.key).filter((key) => current.chosen.has(key));
    const kept = decision === "skipped" ? [] : labels;
    if (ms < 300000) paces = [...paces.slice(-19), ms];
    drafts.delete(doc.id);
    history = [...history.slice(1 - HISTORY), { uid, doc, labels }];
    outbox.add({
      uid, kind: "save", project: data.project, document: doc.id, decision, labels: kept, comment: comment || "", ms,
      target: "", shown: doc.suggestions || null,
    });
    advance();
    remember();
    paintState();
  }

  function undo() {
    if (!open() || !history.length) { if (data) view.hint(data.words.nothing_to_undo); return; }
    const entry = history[history.length - 1];
    history = history.slice(0, -1);
    outbox.add({
      uid: freshUid(), kind: "undo", project: data.project, document: entry.doc.id, target: entry.uid,
      decision: "", labels: [], comment: "", ms: 0,
    });
    if (current) {
      drafts.set(current.doc.id, [...current.chosen]);
      queue = [current.doc, ...queue];
    }
    drafts.set(entry.doc.id, entry.labels);
    show(entry.doc);
    view.hint(data.words.undone);
    remember();
    paintState();
  }

  // My skipped texts back on my desk; only where nothing else is left to do.
  function again() {
    if (!open() || current || !data.empty.again) return false;
    outbox.add({
      uid: freshUid(), kind: "reopen", project: data.project, document: 0, target: "",
      decision: "", labels: [], comment: "", ms: 0,
    });
    data = { ...data, empty: { ...data.empty, again: "" } };  // asked once
    paintAll();
    paintState();
    return true;
  }

  function toggle(key) {
    if (!current || !open()) return;
    if (current.chosen.has(key)) current.chosen.delete(key);
    else current.chosen.add(key);
    view.toggles.get(key).setAttribute("aria-pressed", String(current.chosen.has(key)));
    view.part("save").classList.toggle("ready", current.chosen.size > 0);
    view.hint("");
    remember();
  }

  function openFlag() {
    if (!current || !open()) return;
    flagging = true;
    view.part("flagging").hidden = false;
    view.part("buttons").hidden = true;
    view.part("comment").value = "";
    view.part("comment").focus();
  }

  function closeFlag() {
    if (!flagging) return;
    flagging = false;
    const inside = root.activeElement;
    view.part("flagging").hidden = true;
    view.part("buttons").hidden = false;
    if (inside) inside.blur();
  }

  function sendFlag() {
    const comment = view.part("comment").value.trim();
    closeFlag();
    decide("flagged", comment);
  }

  function help(wanted) {
    const veil = view.part("veil");
    veil.hidden = wanted === undefined ? !veil.hidden : !wanted;
    if (!veil.hidden) view.part("help").focus();
    else if (root.activeElement) root.activeElement.blur();
  }

  function note(label, why) {
    if (why === "held") held = held === label ? null : label;
    view.note(label && why !== "held" ? label : held, data.words);
  }

  function act(action) {
    lastAct = Date.now();
    if (!current) strayAt = performance.now();
    if (guarded() && GUARDED.has(action.act)) return true;
    if (action.act === "save") decide("labelled");
    else if (action.act === "skip") decide("skipped");
    else if (action.act === "flag") openFlag();
    else if (action.act === "undo") undo();
    else if (action.act === "again") return again();
    else if (action.act === "help") help();
    else if (action.act === "escape") { held = null; view.note(null, data.words); help(false); }
    else if (action.act === "toggle") {
      const label = data.labels.find((one) => one.digit === action.digit);
      if (label) toggle(label.key);
      return Boolean(label);
    }
    return true;
  }

  function onKey(event) {
    if (!data) return;
    if (!view.part("veil").hidden) {
      if (event.key === "Escape" || event.key === "?") { event.preventDefault(); help(false); }
      return;
    }
    const action = readKey(event);
    if (action && act(action)) { event.preventDefault(); event.stopPropagation(); }
  }

  function onFlagKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); closeFlag(); }
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); if (!event.repeat) sendFlag(); }
  }

  const poke = () => { if (outbox && open()) outbox.send(); };
  const onVisible = () => { if (!document.hidden) poke(); };
  let pokedAt = Date.now();
  function onTick() {
    paintState();
    const since = Date.now() - pokedAt;
    const idle = Date.now() - lastAct > 5 * POKE_MS;
    const due = current ? since > POKE_MS && !idle : since > EMPTY_POKE_MS;
    if (due && !document.hidden) { pokedAt = Date.now(); poke(); }
  }

  function bind() {
    for (const name of ["save", "skip", "flag", "undo"]) {
      view.part(name).addEventListener("click", () => act({ act: name }));
    }
    view.part("again").addEventListener("click", () => act({ act: "again" }));
    view.part("ask").addEventListener("click", () => help());
    view.part("help-close").addEventListener("click", () => help(false));
    view.part("veil").addEventListener("click", (e) => { if (e.target === view.part("veil")) help(false); });
    view.part("note-close").addEventListener("click", () => { held = null; view.note(null, data.words); });
    view.part("flagging").addEventListener("submit", (e) => { e.preventDefault(); sendFlag(); });
    view.part("comment-cancel").addEventListener("click", closeFlag);
    view.part("comment").addEventListener("keydown", onFlagKey);
    // A button that was clicked by pointer gives the focus back: the next Enter means "save", not that button again.
    view.part("board").addEventListener("click", (e) => {
      const button = e.detail > 0 && e.target.closest ? e.target.closest("button") : null;
      if (button) button.blur();
    });
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("visibilitychange", onVisible);
  }

  // Another person: another outbox. Another project of the same person: what is unsent goes on from here.
  function startOutbox() {
    if (outbox) outbox.close();
    outbox = makeOutbox({
      owner: data.owner,
      deliver: (box) => setStateValue("outbox", { ...box, sid: data.sid, have: queue.map((doc) => doc.id) }),
      changed: paintState,
    });
  }

  function startScope() {
    notices = [];
    drafts = new Map();
    paces = [];
    queue = [];
    current = null;
    recall();
  }

  function settle(fresh) {
    const refused = new Map(fresh.refused.map((one) => [one.uid, one]));
    const settled = outbox.settle([...fresh.acked, ...refused.keys()]);
    for (const op of settled) {
      if (!refused.has(op.uid)) continue;
      notices = [...notices.slice(-2), refused.get(op.uid).sentence];
      history = history.filter((entry) => entry.uid !== op.uid);
      if (op.kind === "save") drafts.set(op.document, op.labels);
      // An undo that the server refuses: that text is decided, so it must not stay on the desk.
      else if (op.kind === "undo" && current && current.doc.id === op.document) dropCurrent();
    }
    return new Set(settled.filter((op) => refused.has(op.uid) && op.kind === "save").map((op) => op.document));
  }

  // The text goes from under somebody's hands: what they type in the next moment was meant for it, not for the next one.
  function dropCurrent() {
    guardUntil = performance.now() + (flagging ? GUARD_TYPING_MS : GUARD_MS);
    current = null;
  }

  // What the server handed out becomes the queue. → whether the text on the desk had to go.
  function restock(returned) {
    const decided = outbox.decided();
    if (!data.handed) {  // trouble with the database: nothing was handed out, and what is here stays
      queue = queue.filter((doc) => !decided.has(doc.id));
      return false;
    }
    const mine = data.docs.filter((doc) => !decided.has(doc.id));
    const here = current && mine.find((doc) => doc.id === current.doc.id);
    // Decided in another tab, or lapsed: an untouched text gives way to one that is still mine.
    const swapped = Boolean(current && !here && !outbox.ops.length && !current.chosen.size && !flagging);
    if (swapped) dropCurrent();
    queue = mine.filter((doc) => !current || doc.id !== current.doc.id);
    queue.sort((a, b) => Number(returned.has(b.id)) - Number(returned.has(a.id)));
    return swapped;
  }

  function receive(fresh, setter) {
    setStateValue = setter;
    const changedOwner = !data || data.owner !== fresh.owner;
    const changedScope = !data || data.scope !== fresh.scope;
    const changedWords = changedScope || data.lang !== fresh.lang || data.look !== fresh.look;
    const wasOpen = open();
    data = fresh.handed || changedScope ? fresh : { ...fresh, progress: data.progress };
    if (changedOwner) startOutbox();
    if (changedScope) startScope();
    if (changedWords) {
      view.words(data);
      view.buildLabels(data.labels, data.words, { toggle: tap, note });
      view.chosen(current ? current.chosen : null, Boolean(current));
    }
    outbox.heard(fresh.heard);
    const returned = settle(fresh);
    const swapped = restock(returned);
    if (!current) advance();
    else if (wasOpen !== open() || changedWords) paintAll();
    if (!open()) { view.chosen(current ? current.chosen : null, false); paintButtons(); }
    if (swapped && current) view.hint(data.words.swapped);
    view.notices(fresh.trouble ? [fresh.trouble, ...notices] : notices, dismiss, data.words);
    view.progress(data, pace());
    paintState();
    paintButtons();
    if (lastSid !== data.sid && outbox.ops.length) window.setTimeout(outbox.back, 0);  // a new server session: send again
    lastSid = data.sid;
  }

  function tap(key) {
    lastAct = Date.now();
    if (!guarded()) toggle(key);
  }
  function dismiss(index) {
    notices = notices.filter((_, at) => at !== index - (data.trouble ? 1 : 0));
    view.notices(data.trouble ? [data.trouble, ...notices] : notices, dismiss, data.words);
  }

  bind();
  const ticker = window.setInterval(onTick, 1000);
  return {
    receive,
    close() {
      window.clearInterval(ticker);
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("visibilitychange", onVisible);
      if (outbox) outbox.close();
    },
  };
}

const MOUNTS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  let board = MOUNTS.get(parentElement);
  if (!board) {
    board = makeBoard(parentElement);
    MOUNTS.set(parentElement, board);
  }
  board.receive(data, setStateValue);
  return () => {
    board.close();
    MOUNTS.delete(parentElement);
  };
}
