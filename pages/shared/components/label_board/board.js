// The board: keys and buttons go in, the server's answers go in, and the desk does what they say.

const POKE_MS = 90000;      // while somebody works: a sign of life that renews the leases
const EMPTY_POKE_MS = 20000;
const ASK_AGAIN_MS = 4000;
const GUARD_MS = 600;       // hands need so long to see that another text has come up under them
const GUARD_TYPING_MS = 2000;
const GUARDED = /^(label[1-9]|number|search|browse|save|stay|skip|flag)$/;

const STILL = new Map();    // what seldom changes, by the server's mark: it sends once what this page has not answered by

function makeBoard(root) {
  const s = makeShared();
  const view = makeView(root);
  const comfort = makeComfort(view);
  const guide = makeGuide(view);
  const desk = makeDesk(s, root, view, comfort, guide);
  const { past, walk, clock, open } = desk;
  const letGo = () => focusIn(root)?.blur();
  const search = makeSearch({ view, labels: () => (s.data ? s.data.labels : []), toggle: tap, closed: () => {} });
  const many = makeMany({ s, root, view, comfort, desk, tap, look: (label) => desk.note(fingers() ? null : label, "found") });
  s.handy = many.handy;
  const fingers = () => window.matchMedia("(pointer: coarse), (max-width: 900px)").matches;  // a definition would lie over the list
  const ruled = () => (many.on ? { ...s.data, labels: many.ruled, some: true } : s.data);
  const settings = makeSettings({ view, usual: () => s.data.usual, desk: desk.desk, change: changeDesk, closed: letGo });
  let still = null;
  let notices = [];
  let lastAct = Date.now();
  let lastSid = null;
  let setStateValue = null;
  let restedFrom = false;   // whether the break is being spoken of

  function help(wanted) {
    const veil = view.part("veil");
    veil.hidden = wanted === undefined ? !veil.hidden : !wanted;
    if (!veil.hidden) view.part("help").focus();
    else letGo();
  }

  function escape() {
    if (s.typed !== null) desk.closeNumber();
    else if (s.held) { s.held = null; view.note(null, s.data.words); }
    else if (guide.isOpen) guide.toggle(ruled(), s.keymap, false);
    else desk.leave();
    return true;
  }

  const ACTS = {
    save: () => desk.decide("labelled"),
    stay: () => desk.decide("labelled", "", true),
    skip: () => desk.decide("skipped"),
    flag: () => desk.openFlag(),
    undo: () => desk.undo(),
    leave: () => desk.leave(),
    back: () => desk.walkBy(-1),
    forward: () => desk.walkBy(1),
    again: () => desk.again(),
    guide: () => guide.toggle(ruled(), s.keymap),
    search: () => (many.on ? many.finder : search).open(),
    browse: () => many.finder.browse(),
    number: () => desk.typeNumber(null),
    highlights: () => { changeDesk({ highlights: !desk.desk().highlights }); },
    settings: () => settings.toggle(s.data.words),
    help: () => help(),
  };

  // → whether the press was of any use here; else the browser may have it.
  function act(action) {
    lastAct = Date.now();
    if (!desk.here()) s.strayAt = performance.now();
    if (desk.guarded() && GUARDED.test(action)) return true;
    if (action !== "number") desk.closeNumber();
    if (!/^label/.test(action)) return ACTS[action]() !== false;
    const label = (many.on ? many.rows : s.data.labels).find((one) => one.digit && "label" + one.digit === action);
    if (label) desk.toggle(label.key);
    return Boolean(label);
  }

  // The space bar reads on, as it does on any page.
  function readOn(up) {
    let at = view.part("board");
    while (at && !(at.scrollHeight > at.clientHeight + 4 && /auto|scroll/.test(getComputedStyle(at).overflowY))) {
      at = at.parentElement || (at.getRootNode().host ?? null);
    }
    (at || document.scrollingElement).scrollBy({ top: (up ? -0.8 : 0.8) * window.innerHeight });
  }

  function onKey(event) {
    if (!s.data || settings.onKey(event)) return;
    if (!view.part("veil").hidden) {
      if (event.key === "Escape" || s.keymap.action(keyName(event)) === "help") { event.preventDefault(); help(false); }
      else keepInside(view.part("help"), event);
      return;
    }
    const name = readKey(event);
    if (!name) return;
    let used = false;
    if (name === "Escape") used = escape();
    else if (s.typed !== null && /^[0-9]$/.test(name)) used = desk.guarded() || desk.typeNumber(name);
    else if (s.typed !== null && name === "Backspace") { desk.closeNumber(); used = true; }
    else if (many.on && /^(Backspace|Delete)$/.test(name) && !s.keymap.action(name)) used = desk.guarded() || many.takeOff(name === "Backspace");
    else if (s.keymap.action(name)) used = act(s.keymap.action(name));
    else if (/Space$/.test(name)) { readOn(event.shiftKey); used = true; }
    if (!used) return;
    event.preventDefault();
    event.stopPropagation();
    if (/^(label[1-9]|number)$/.test(s.keymap.action(name)) || /^[0-9]$/.test(name)) claimEnter(view.part("board"));
  }

  function onFlagKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); desk.closeFlag(); }
    if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); if (!event.repeat) desk.sendFlag(); }
  }

  // My settings: worn at once, kept on the server as soon as it hears of them.
  function changeDesk(change) {
    s.wire.set({ ...desk.desk(), ...change });
    wear();
  }
  function wear() {
    s.keymap = makeKeymap(s.data.usual ? s.data.usual.keys : {}, desk.desk().keys);
    comfort.wear({ font_size: 20, line_height: 1.9, measure: 35, sentences: "", highlights: false, ...desk.desk() });
    const chosen = desk.here() ? desk.here().chosen : null;
    view.words(s.data, s.keymap);
    many.words(s.data.words);
    if (many.on) many.handy(desk.here(), true);
    else { many.handy(null); view.buildLabels(s.data.labels, s.data.words, s.keymap, { toggle: tap, note: desk.note }); }
    guide.refresh(ruled(), s.keymap);
    view.chosen(chosen, Boolean(chosen) && open());
    if (s.outbox) { desk.paintAll(); desk.paintProgress(); }
    followTheme();
  }

  // Fields of the browser's own follow the page's theme.
  function followTheme() {
    const [red, green, blue] = (getComputedStyle(view.part("settings")).backgroundColor.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
    const scheme = 0.3 * red + 0.6 * green + 0.1 * blue > 128 ? "light" : "dark";
    const style = view.part("board").style;
    if (style.colorScheme !== scheme) style.colorScheme = scheme;
  }

  // The last word of a tab: what it held ahead may go to others, but for the text on the desk and what is not delivered yet.
  function onHide() {
    if (!s.data) return;
    desk.rememberDraft();
    desk.rememberPast();
    if (!open()) return;
    const ids = [...(s.current ? [s.current.doc] : []), ...s.outbox.ops.filter((op) => op.project === s.data.project).map((op) => ({ id: op.document }))];
    const keep = [...new Set(ids.map((one) => one.id))].filter(Boolean).slice(0, 100).join(",");
    navigator.sendBeacon(new URL("leaving", document.baseURI), new URLSearchParams({ project: String(s.data.project), keep }));
  }

  const poke = () => { if (s.outbox && open()) s.outbox.send(); };
  function onVisible() {
    if (document.hidden) { clock.hide(); if (s.wire) s.wire.hurry(); } else { clock.show(); poke(); }
  }
  let pokedAt = Date.now();
  function onTick() {
    if (!s.data) return;
    desk.paintState();
    followTheme();
    remindOfRest();
    const since = Date.now() - pokedAt;
    const idle = Date.now() - lastAct > 5 * POKE_MS;
    const due = s.current ? since > POKE_MS && !idle : since > EMPTY_POKE_MS;
    if (due && !document.hidden) { pokedAt = Date.now(); poke(); }
    else if ((s.wire.waits || past.wanted) && Date.now() - s.outbox.sentAt > ASK_AGAIN_MS) s.outbox.send();
  }

  function remindOfRest() {
    const minutes = desk.desk().break_minutes;
    const due = Boolean(minutes) && clock.workedMs >= minutes * 60000;
    if (due === restedFrom) return;
    restedFrom = due;
    view.part("rest").hidden = !due;
    if (due) view.put("rest-words", view.fill(s.data.words.rest, { n: minutes }));
  }

  function bind() {
    for (const button of root.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));
    view.part("help-close").addEventListener("click", () => help(false));
    view.part("veil").addEventListener("click", (e) => { if (e.target === view.part("veil")) help(false); });
    view.part("note-close").addEventListener("click", () => { s.held = null; view.note(null, s.data.words); });
    view.part("guide-close").addEventListener("click", () => guide.toggle(ruled(), s.keymap, false));
    view.part("past-leave").addEventListener("click", () => desk.leave());
    view.part("rest-close").addEventListener("click", () => { clock.rest(); remindOfRest(); });
    view.part("flagging").addEventListener("submit", (e) => { e.preventDefault(); desk.sendFlag(); });
    view.part("comment-cancel").addEventListener("click", desk.closeFlag);
    view.part("comment").addEventListener("keydown", onFlagKey);
    // A button that was clicked by pointer gives the focus back: the next Enter means "save", not that button again.
    view.part("board").addEventListener("click", (e) => {
      const button = e.detail > 0 && e.target.closest ? e.target.closest("button") : null;
      if (button) button.blur();
    });
    for (const [target, name, listener, way] of HEARD) target.addEventListener(name, listener, way);
  }
  const HEARD = [
    [document, "keydown", onKey, true],
    [document, "visibilitychange", onVisible, false],
    [document, "click", leaveSidebar, false],
    [window, "pagehide", onHide, false],
    ...["keydown", "pointerdown", "pointermove", "wheel", "touchstart"].map((name) => (
      [document, name, () => clock.input(), { capture: true, passive: true }])),
  ];

  // Another person: another outbox. Another project of the same person: what is unsent goes on from here.
  function startOutbox() {
    if (s.outbox) s.outbox.close();
    if (s.wire) s.wire.close();
    s.outbox = makeOutbox({
      name: "op",
      owner: s.data.owner,
      deliver: (box) => setStateValue("outbox", {
        ...box, sid: s.data.sid, have: s.queue.map((doc) => doc.id), still: still ? still.id : "", past: past.wanted,
        project: s.data.project, ...s.wire.extras,
      }),
      changed: desk.paintState,
    });
    s.wire = makeWire({ owner: s.data.owner, send: () => s.outbox.send() });
  }

  function startScope() {
    notices = [];
    Object.assign(s, { drafts: new Map(), paces: [], queue: [], current: null, undoWaits: false, resumeAt: null });
    walk.leave();
    desk.recall();
    past.ask(true);
  }

  function settle(fresh) {
    const refused = new Map(fresh.refused.map((one) => [one.uid, one]));
    const settled = s.outbox.settle([...fresh.acked, ...refused.keys()]);
    for (const op of settled) {
      const before = s.undone.get(op.uid);
      s.undone.delete(op.uid);
      if (!refused.has(op.uid)) continue;
      notices = [...notices.slice(-2), refused.get(op.uid).sentence];
      if (op.kind === "save") { past.drop(op.uid); s.drafts.set(op.document, op.labels); }
      else if (op.kind === "revise" && before) { past.restoreEntry(op.uid, before); followBack(before); }
      else if (op.kind === "undo") {
        if (before) past.putBack(before);
        // That text is decided, so it must not stay on the desk.
        if (s.current && s.current.doc.id === op.document) dropCurrent();
      }
    }
    return new Set(settled.filter((op) => refused.has(op.uid) && op.kind === "save").map((op) => op.document));
  }
  function followBack(before) {
    if (!walk.here || walk.here.doc.id !== before.doc.id) return;
    walk.follow(before.uid);
    desk.paintAll();
  }

  // The text goes from under somebody's hands: what they type in the next moment was meant for it, not for the next one.
  function dropCurrent() {
    if (!walk.here) s.guardUntil = performance.now() + (s.flagging ? GUARD_TYPING_MS : GUARD_MS);
    s.current = null;
  }

  // What the server handed out becomes the queue. → whether the text on the desk had to go.
  function restock(returned) {
    const decided = decidedIn(s.outbox.ops);
    if (!s.data.handed) {  // trouble with the database: nothing was handed out, and what is here stays
      s.queue = s.queue.filter((doc) => !decided.has(doc.id));
      return false;
    }
    const mine = s.data.docs.filter((doc) => !decided.has(doc.id));
    const here = s.current && mine.find((doc) => doc.id === s.current.doc.id);
    // Decided in another tab, or lapsed: an untouched text gives way to one that is still mine.
    const swapped = Boolean(s.current && !here && !s.outbox.ops.length && !s.current.chosen.size && !s.flagging);
    if (swapped) dropCurrent();
    const first = (doc) => Number(returned.has(doc.id)) * 2 + Number(doc.id === s.resumeAt);
    s.queue = mine.filter((doc) => !s.current || doc.id !== s.current.doc.id).sort((a, b) => first(b) - first(a));
    s.resumeAt = null;
    return swapped && !walk.here;
  }

  function receivePast(fresh) {
    if (!past.hear(fresh.past, s.outbox.ops)) return;
    if (walk.waiting) desk.walkBy(-1);
    if (s.undoWaits) { s.undoWaits = false; desk.undo(); }
  }

  function receive(fresh, setter) {
    setStateValue = setter;
    if (fresh.still) STILL.set(fresh.still.id, fresh.still);
    still = STILL.get(fresh.mark) || still;
    fresh = { ...fresh, ...(still ? still.values : null) };
    const changedOwner = !s.data || s.data.owner !== fresh.owner;
    const changedScope = !s.data || s.data.scope !== fresh.scope;
    const looks = JSON.stringify([fresh.lang, fresh.look, still ? still.id : "", fresh.desk]);
    const changedLooks = changedScope || s.looks !== looks;
    const wasOpen = open();
    const labels = s.data ? s.data.labels : [];
    s.looks = looks;
    s.data = fresh.handed || changedScope ? fresh : { ...fresh, progress: s.data.progress };
    if (changedScope) takeFocus(view.part("board"), Boolean(lastSid));
    if (changedOwner) startOutbox();
    if (changedScope) startScope();
    if (changedLooks) comfort.learn(s.data.labels, s.data.alike || []);
    const changed = changedLooks && !changedScope ? desk.relabel(labels) : { said: "", lost: false };
    const kept = s.wire.heard(fresh);
    if (changedLooks || kept) wear();
    if (kept && fresh.desk_refused) settings.refused(fresh.desk_refused);
    s.outbox.heard(fresh.heard);
    const returned = settle(fresh);
    receivePast(fresh);
    const swapped = restock(returned);
    if (!s.current) desk.advance();
    else if (wasOpen !== open()) desk.paintAll();
    if (walk.here && !desk.open()) desk.paintAll();
    if (!open()) {
      view.chosen(desk.here() ? desk.here().chosen : null, false);
      view.hint(desk.closedWords().title, true);
    }
    if (swapped && s.current) view.hint(s.data.words.swapped);
    else if (changed.said) view.hint(changed.said, true);
    if (changed.lost) s.guardUntil = Math.max(s.guardUntil, performance.now() + GUARD_MS);  // what "save" would save is less now
    view.notices(said(), dismiss, s.data.words);
    desk.paintProgress();
    desk.paintState();
    desk.paintButtons();
    if (lastSid !== s.data.sid && s.outbox.ops.length) window.setTimeout(s.outbox.back, 0);  // a new server session
    else if (changedScope && past.wanted) window.setTimeout(s.outbox.send, 0);
    lastSid = s.data.sid;
  }

  function tap(key) {
    lastAct = Date.now();
    if (!desk.guarded()) desk.toggle(key);
  }
  const said = () => (s.data.trouble ? [s.data.trouble, ...notices] : notices);
  function dismiss(index) {
    notices = notices.filter((_, at) => at !== index - (s.data.trouble ? 1 : 0));
    view.notices(said(), dismiss, s.data.words);
  }

  bind();
  const ticker = window.setInterval(onTick, 1000);
  return {
    receive,
    close() {
      window.clearInterval(ticker);
      for (const [target, name, listener, way] of HEARD) target.removeEventListener(name, listener, way);
      if (s.outbox) s.outbox.close();
      if (s.wire) s.wire.close();
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
