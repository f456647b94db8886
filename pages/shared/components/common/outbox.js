// The outbox: what the server has not yet acknowledged, in order, kept on this computer.
// One localStorage entry for each operation, so that two tabs of one person never overwrite each other.

const RETRY_MS = [2000, 4000, 8000, 15000];
const DEAF_MS = 14000;       // a server that is up and answers nothing for so long does not know this page any more
const DEAF_AFTER_CUT_MS = 5000;
const RELOAD_AGAIN_MS = 60000;
const SILENT_MS = 1500;      // no answer for so long: is the server there at all?
const PROBE_MS = 1500;       // a dead server may leave its port open, and then nothing ever answers
function freshUid() {
  // randomUUID exists on https and localhost only; a lab's plain-http server must work as well.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const ORPHAN_LOOK_MS = 3000;
const ORPHAN_AFTER_MS = 6000;  // what another tab has not delivered for so long is delivered from here

const byTime = (a, b) => a.at - b.at;

// One person's shelf, whatever the project: each operation says which project it belongs to.
function makeShelf(storage, name, owner) {
  const prefix = `tagtail.${name}.${owner}.`;
  const quietly = (action) => { try { return action(); } catch { return null; } };  // storage full or forbidden
  const names = () => quietly(() => Object.keys(storage).filter((name) => name.startsWith(prefix))) || [];
  const read = (name) => quietly(() => {
    const op = JSON.parse(storage.getItem(name));
    return op.uid && name.endsWith("." + op.uid) && Number.isFinite(op.at) ? op : null;
  });
  return {
    put: (op) => quietly(() => storage.setItem(prefix + op.uid, JSON.stringify(op))),
    drop(uid) {
      for (const name of names()) if (name.endsWith("." + uid)) quietly(() => storage.removeItem(name));
    },
    // An entry that cannot be read is passed over; those behind it are still found.
    all: () => names().map(read).filter(Boolean).sort(byTime),
  };
}

// Streamlit covers the page with an English dialog when its connection breaks. The board says so itself, in the reader's
// language, and the texts that are here already can be worked on: the dialog is closed. → whether there was one.
function calmConnectionDialog() {
  let found = false;
  for (const dialog of document.querySelectorAll('[data-testid="stDialog"]')) {
    const title = dialog.querySelector("h2");
    if (!title || title.textContent !== "Connection error") continue;
    dialog.style.display = "none";  // at once; the closing itself is animated
    dialog.querySelector("button")?.click();
    found = true;
  }
  return found;
}

// `name` keeps the work of one board from that of another.
function makeOutbox({ name, owner, deliver, changed }) {
  const shelf = makeShelf(window.localStorage, name, owner);
  let ops = shelf.all();
  const settledHere = new Set();
  const strangers = new Map();  // another tab's operations: uid → when they were first seen here
  let counter = 0;
  let tries = 0;
  let sentAt = 0;
  let waitingSince = 0;
  let reach = "unknown";  // "up", "down", "out" (signed out)
  let last = Math.max(0, ...ops.map((op) => op.at));  // a clock that was set back does not reorder save and undo
  let lookedAt = performance.now();
  let cut = false;        // Streamlit's own connection is down
  let probedAt = 0;
  let unheardSince = 0;   // the first send that no run of the page has answered
  let upSince = 0;        // when the server was last found to be back: its pages need a moment to come back too
  let wasDown = false;

  function send() {
    sentAt = Date.now();
    counter += 1;
    if (!unheardSince) unheardSince = sentAt;
    // The counter makes each value new: an equal value would fire no callback on the server.
    try { deliver({ n: counter, at: sentAt, ops }); } catch { reach = "down"; }
  }

  async function probe() {
    probedAt = Date.now();
    const before = reach;
    let silent = false;
    if (navigator.onLine === false) { reach = "down"; changed(); return; }
    try {
      const answer = await fetch(new URL("_stcore/health", document.baseURI), { cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
      reach = answer.status === 401 || answer.status === 403 || answer.redirected ? "out" : answer.ok ? "up" : "down";
    } catch (error) {
      reach = "down";
      silent = error.name === "TimeoutError";
    }
    if (reach !== "up") wasDown = wasDown || !silent;  // a silent one may be busy: it is not reloaded any sooner
    else if (before !== "up") upSince = Date.now();
    changed();
  }

  // A restarted server has no run of this page: what a fragment sends then reaches nobody. Loading the page anew makes
  // one; what was decided and the choices at hand are all kept on this computer.
  function heal() {
    const deaf = unheardSince && Date.now() - Math.max(unheardSince, upSince) > (wasDown ? DEAF_AFTER_CUT_MS : DEAF_MS);
    if (!deaf || reach !== "up" || Date.now() - probedAt > 3000) return;
    const name = "tagtail.reloaded";
    try {
      if (Date.now() - Number(sessionStorage.getItem(name) || 0) < RELOAD_AGAIN_MS) return;
      sessionStorage.setItem(name, String(Date.now()));
    } catch { return; }
    window.removeEventListener("beforeunload", warn);
    window.location.reload();
  }

  function calm() {
    if (calmConnectionDialog()) { cut = true; changed(); }
  }

  async function look() {
    await probe();
    if (reach === "up") { cut = false; back(); if (!ops.length) send(); }
  }

  // A tab that was closed with work unsent leaves it on the shelf. Twice delivered is once saved.
  function adopt() {
    const now = performance.now();
    if (now - lookedAt < ORPHAN_LOOK_MS) return;
    lookedAt = now;
    const mine = new Set(ops.map((op) => op.uid));
    const others = shelf.all().filter((op) => !mine.has(op.uid) && !settledHere.has(op.uid));
    const left = new Set(others.map((op) => op.uid));
    for (const uid of [...strangers.keys()]) if (!left.has(uid)) strangers.delete(uid);
    for (const op of others) if (!strangers.has(op.uid)) strangers.set(op.uid, now);
    const orphans = others.filter((op) => now - strangers.get(op.uid) >= ORPHAN_AFTER_MS);
    if (!orphans.length) return;
    if (!ops.length) { waitingSince = Date.now(); tries = 0; }
    orphans.forEach((op) => strangers.delete(op.uid));
    ops = [...ops, ...orphans].sort(byTime);
    last = Math.max(last, ...orphans.map((op) => op.at));
    send();
    changed();
  }

  function tick() {
    calm();
    adopt();
    if (cut && Date.now() - probedAt > 3000) look();
    else if (unheardSince && Date.now() - unheardSince > SILENT_MS && Date.now() - probedAt > 2000) probe();
    heal();
    if (!ops.length) return;
    if (Date.now() - sentAt < RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]) return;
    tries += 1;
    send();
    probe();
  }

  function back() {
    tries = 0;
    if (ops.length) send();
    changed();
  }

  function warn(event) { if (ops.length) { event.preventDefault(); event.returnValue = ""; } }

  const timer = window.setInterval(tick, 1000);
  const watcher = new MutationObserver(calm);
  watcher.observe(document.body, { childList: true });  // dialogs are added there
  window.addEventListener("online", back);
  window.addEventListener("offline", probe);
  window.addEventListener("beforeunload", warn);
  if (ops.length) waitingSince = Date.now();

  return {
    get ops() { return ops; },
    get state() {
      if (reach === "out") return "out";
      if (cut || (ops.length && reach === "down")) return "offline";
      return ops.length ? "saving" : "saved";
    },
    get sentAt() { return sentAt; },
    get waitedMs() { return ops.length ? Date.now() - waitingSince : 0; },
    add(op) {
      if (!ops.length) { waitingSince = Date.now(); tries = 0; }
      last = Math.max(last + 1, Date.now());  // strictly rising, so that a reload keeps the order
      const entry = { ...op, at: last };
      ops = [...ops, entry];
      shelf.put(entry);
      window.setTimeout(send, 0);  // after the paint of the next text has been asked for
      return entry;
    },
    settle(uids) {
      const gone = new Set(uids);
      const settled = ops.filter((op) => gone.has(op.uid));
      if (!settled.length) return settled;
      ops = ops.filter((op) => !gone.has(op.uid));
      settled.forEach((op) => { shelf.drop(op.uid); settledHere.add(op.uid); });
      tries = 0;
      waitingSince = Date.now();
      reach = "up";
      return settled;
    },
    // The server has answered the send of that number.
    heard(n) {
      if (n !== counter) return;
      unheardSince = 0;
      wasDown = false;
      cut = false;
      reach = "up";
    },
    send,
    back,
    close() {
      window.clearInterval(timer);
      watcher.disconnect();
      window.removeEventListener("online", back);
      window.removeEventListener("offline", probe);
      window.removeEventListener("beforeunload", warn);
    },
  };
}
