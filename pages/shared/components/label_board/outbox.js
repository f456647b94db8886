// The outbox: decisions that the server has not yet acknowledged, in order, kept on this computer.
// One localStorage entry for each operation, so that two tabs of one person never overwrite each other.

const RETRY_MS = [2000, 4000, 8000, 15000];

function freshUid() {
  // randomUUID exists on https and localhost only; a lab's plain-http server must work as well.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function makeShelf(storage, scope) {
  const prefix = "tagtail.op." + scope + ".";
  const quietly = (action) => { try { return action(); } catch { return null; } };  // storage full or forbidden
  return {
    put: (op) => quietly(() => storage.setItem(prefix + op.uid, JSON.stringify(op))),
    drop: (uid) => quietly(() => storage.removeItem(prefix + uid)),
    all() {
      const found = [];
      quietly(() => {
        for (let i = 0; i < storage.length; i += 1) {
          const name = storage.key(i);
          if (name.startsWith(prefix)) found.push(JSON.parse(storage.getItem(name)));
        }
      });
      return found.sort((a, b) => a.at - b.at);
    },
  };
}

function makeOutbox({ scope, deliver, changed }) {
  const shelf = makeShelf(window.localStorage, scope);
  let ops = shelf.all();
  let counter = 0;
  let tries = 0;
  let sentAt = 0;
  let waitingSince = 0;
  let reach = "unknown";  // "up", "down", "out" (signed out)
  let last = 0;

  function send() {
    sentAt = Date.now();
    counter += 1;
    // The counter makes each value new: an equal value would fire no callback on the server.
    try { deliver({ n: counter, at: sentAt, ops }); } catch { reach = "down"; }
  }

  async function probe() {
    if (navigator.onLine === false) { reach = "down"; changed(); return; }
    try {
      const answer = await fetch(new URL("_stcore/health", document.baseURI), { cache: "no-store" });
      reach = answer.status === 401 || answer.status === 403 || answer.redirected ? "out" : answer.ok ? "up" : "down";
    } catch { reach = "down"; }
    changed();
  }

  function tick() {
    if (!ops.length) return;
    if (Date.now() - sentAt < RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]) return;
    tries += 1;
    send();
    probe();
  }

  function back() { tries = 0; reach = "unknown"; if (ops.length) send(); changed(); }

  function warn(event) { if (ops.length) { event.preventDefault(); event.returnValue = ""; } }

  const timer = window.setInterval(tick, 1000);
  window.addEventListener("online", back);
  window.addEventListener("offline", probe);
  window.addEventListener("beforeunload", warn);
  if (ops.length) waitingSince = Date.now();

  return {
    get ops() { return ops; },
    get state() {
      if (!ops.length) return reach === "out" ? "out" : "saved";
      if (reach === "down" || reach === "out") return reach === "out" ? "out" : "offline";
      return "saving";
    },
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
      settled.forEach((op) => shelf.drop(op.uid));
      tries = 0;
      waitingSince = Date.now();
      reach = "up";
      return settled;
    },
    // Documents that are decided here though the server may not know it yet.
    decided() {
      const ids = new Set();
      for (const op of ops) {
        if (op.kind === "undo") ids.delete(op.document);
        else ids.add(op.document);
      }
      return ids;
    },
    send,
    back,
    close() {
      window.clearInterval(timer);
      window.removeEventListener("online", back);
      window.removeEventListener("offline", probe);
      window.removeEventListener("beforeunload", warn);
    },
  };
}
