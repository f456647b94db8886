// The reviewer's cases: which is on the desk, and what is chosen for each. What is decided goes into the outbox.

const DRAFTS_KEPT = 50;

function makeCases(outbox) {
  let listed = [];
  let scope = "";
  let store = "";
  let at = 0;
  let drafts = new Map();  // document → {chosen, comment}, for as long as the tab is open

  const sent = (one) => outbox().ops.some((op) => op.document === one.id);
  const visible = () => listed.filter((one) => !sent(one));
  const current = () => visible()[at] || null;
  const clamp = () => { at = Math.max(0, Math.min(at, visible().length - 1)); };
  const fresh = (one) => ({ chosen: new Set(one.settled ? one.settled.labels : []), comment: one.settled ? one.settled.comment : "" });
  const draft = () => {
    const one = current();
    if (!one) return null;
    if (!drafts.has(one.id)) drafts.set(one.id, fresh(one));
    return drafts.get(one.id);
  };
  function keep() {
    const plain = [...drafts].slice(-DRAFTS_KEPT).map(([id, d]) => [id, [...d.chosen], d.comment]);
    try { sessionStorage.setItem(store, JSON.stringify(plain)); } catch { /* private mode: gone with a reload */ }
  }
  function recall(owner) {
    store = "tagtail.review." + owner;
    drafts = new Map();
    try {
      for (const [id, chosen, comment] of JSON.parse(sessionStorage.getItem(store)) || []) drafts.set(id, { chosen: new Set(chosen), comment });
    } catch { /* as above */ }
  }

  return {
    current, draft, recall,
    all: visible,
    place: () => at,
    here: () => listed.filter(sent).length,  // of the cases here: on their way
    // What the server says; `settle` drops the ops that it has answered. The text on the desk stays where it is.
    take(data, settle) {
      const here = current();
      for (const op of settle()) drafts.delete(op.document);
      if (data.scope !== scope) at = 0;
      listed = data.cases;
      const again = data.scope === scope && here ? visible().findIndex((one) => one.id === here.id) : -1;
      if (again >= 0) at = again;
      scope = data.scope;
      clamp();
      keep();
    },
    go(steps) { at += steps; clamp(); },
    toggle(key) { const d = draft(); if (d && !d.chosen.delete(key)) d.chosen.add(key); keep(); },
    choose(keys) { const d = draft(); if (d) d.chosen = new Set(keys); keep(); },
    comment(words) { const d = draft(); if (d) d.comment = words; keep(); },
    op(kind, order) {
      const one = current();
      const d = draft();
      if (!one) return;
      outbox().add({
        uid: freshUid(), kind, document: one.id, project: one.project, labels: order.filter((key) => d.chosen.has(key)),
        comment: d.comment.trim(), seen: one.settled ? one.settled.at : null,
      });
      clamp();
    },
  };
}

// What more than half of those who have labelled the text chose.
function majorityOf(one) {
  const votes = one.choices.filter((choice) => choice.decision === "labelled");
  const keys = new Set(votes.flatMap((choice) => choice.labels));
  return [...keys].filter((key) => 2 * votes.filter((choice) => choice.labels.includes(key)).length > votes.length);
}
