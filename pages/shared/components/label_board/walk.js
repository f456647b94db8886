// Walking through my past decisions. What is here is a copy: nothing changes until it is saved as a new version.
// `alive`: choices as today's labels have them.

function makeWalk(past, alive) {
  let here = null;       // {uid, entry, doc, chosen, spent}
  let waiting = false;   // for an older page from the server

  function enter(index) {
    const entry = past.at(index);
    here = { uid: entry.uid, entry, doc: entry.doc, chosen: alive(entry.labels), spent: 0 };
  }

  return {
    get here() { return here; },
    get waiting() { return waiting; },
    get back() { return past.length - past.indexOf(here.uid); },  // 1: the decision before
    // → "moved", "left" (back at the desk), "waiting" or "end".
    step(direction) {
      const at = here ? past.indexOf(here.uid) : past.length;
      const index = at < 0 ? past.length : at + direction;
      if (index >= past.length) { const was = here; here = null; waiting = false; return was ? "left" : "end"; }
      if (index < 0) {
        past.ask(false);
        waiting = Boolean(past.wanted);
        return waiting ? "waiting" : "end";
      }
      waiting = false;
      enter(index);
      if (index < 4) past.ask(false);  // before it is needed
      return "moved";
    },
    enter,
    newest() { enter(past.length - 1); },
    // The entry on the screen has a new version, or has lost one.
    follow(uid) {
      if (!here) return;
      const index = past.indexOf(uid);
      if (index >= 0) enter(index);
    },
    leave() { const was = here; here = null; waiting = false; return Boolean(was); },
  };
}
