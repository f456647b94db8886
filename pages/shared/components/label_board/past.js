// My past decisions, oldest first: those of this visit at once, older ones by the page from the server, which knows all.
// An entry: {uid, doc: {id, text}, labels, decision, comment, versions, at, settled, stuck, order, older}. `order` says which
// one I made last; a reviewer has settled what is `stuck`, or a colleague has the text. `older` is the version before, as
// it was: {labels, decision, comment, at, order, older}, where it was changed in this tab.

const PAST_KEPT = 300;

function makePast() {
  let list = [];
  let more = false;      // the server has older ones
  let oldest = null;     // where its next page begins
  let wanted = null;     // {before}: a page that was asked for and has not come
  let newestOrder = 0;
  let oldestOrder = 0;

  const entryOf = (item) => ({
    uid: item.uid, doc: { id: item.document, text: item.text }, labels: item.labels, decision: item.decision,
    comment: item.comment, versions: item.versions, at: item.at, settled: item.settled || (item.left_out ? [] : null), left_out: Boolean(item.left_out),
    stuck: Boolean(item.settled || item.left_out), order: 0,
  });

  const versionOf = ({ labels, decision, comment, at, order, older }) => ({ labels, decision, comment, at, order, older: older || null });

  return {
    get wanted() { return wanted; },
    get length() { return list.length; },
    get more() { return more; },
    at: (index) => list[index],
    indexOf: (uid) => list.findIndex((entry) => entry.uid === uid),
    plain: () => list.slice(-30),
    clear() { list = []; more = false; oldest = null; wanted = null; },
    restore(entries) {
      list = entries.filter((entry) => entry && entry.uid && entry.doc);
      newestOrder = Math.max(0, ...list.map((entry) => entry.order || 0));
    },
    push(entry) {
      newestOrder += 1;
      list = [...list.filter((one) => one.doc.id !== entry.doc.id).slice(1 - PAST_KEPT), { ...entry, order: newestOrder }];
    },
    // A new version of an entry stands where the old one stood, and is what I did last.
    revise(uid, change) {
      newestOrder += 1;
      list = list.map((entry) => (entry.uid === uid ? { ...entry, ...change, order: newestOrder, older: versionOf(entry) } : entry));
    },
    // The version before stands again, under a new name, and where it stood among what I did.
    unrevise(uid, fresh) {
      list = list.map((entry) => (entry.uid !== uid ? entry : { ...entry, ...entry.older, uid: fresh, versions: entry.versions + 1 }));
    },
    restoreEntry(uid, entry) { list = list.map((one) => (one.uid === uid ? entry : one)); },
    // A decision that could not be taken back: it stands, and undo passes it by.
    putBack(entry) {
      oldestOrder -= 1;
      list = [...list, { ...entry, order: oldestOrder, stuck: true }];
    },
    drop(uid) { list = list.filter((entry) => entry.uid !== uid); },
    // What undo takes back: the decision that I made last.
    last: () => list.reduce((best, entry) => (!entry.stuck && (!best || entry.order > best.order) ? entry : best), null),
    ask(fromStart) {
      if (wanted || (!fromStart && !more)) return false;
      wanted = { before: fromStart ? null : oldest };
      return true;
    },
    // A page from the server. `unsent` are this browser's ops that the server had not seen: those know better.
    hear(page, unsent) {
      if (!page || !wanted || page.before !== wanted.before) return false;
      const first = wanted.before === null;
      wanted = null;
      more = page.more;
      oldest = page.items.length ? page.items[page.items.length - 1].id : oldest;
      const undone = new Set(unsent.filter((op) => op.kind === "undo").map((op) => op.target));
      const mine = new Set(unsent.filter((op) => op.kind !== "undo").map((op) => op.uid));
      const changed = new Map(first ? list.map((entry) => [entry.uid, entry]) : []);  // in this tab, before it was loaded anew
      if (first) list = list.filter((entry) => mine.has(entry.uid));
      const here = new Set(list.map((entry) => entry.doc.id));
      const older = page.items.filter((item) => !undone.has(item.uid) && !here.has(item.document)).map(entryOf);
      for (const entry of older) {  // newest comes first
        const known = changed.get(entry.uid);
        oldestOrder -= 1;
        entry.order = known && known.older ? known.order : oldestOrder;
        entry.older = known ? known.older : null;
      }
      list = [...older.reverse(), ...list];
      return true;
    },
  };
}
