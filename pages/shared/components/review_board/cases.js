// The reviewer's cases: which is on the desk, what is chosen for each, and what is on its way to the server.

function calmConnectionDialog() { return false; }  // only the label board, which goes on without a line, closes it

function makeCases({ deliver }) {
  let listed = [];
  let scope = "";
  let at = 0;
  let ops = [];
  let counter = 0;
  const drafts = new Map();  // document → {chosen, comment}, for as long as the page is open
  const marker = Math.random().toString(36).slice(2, 10);

  const visible = () => listed.filter((one) => !ops.some((op) => op.document === one.id));
  const current = () => visible()[at] || null;
  const clamp = () => { at = Math.max(0, Math.min(at, visible().length - 1)); };
  const fresh = (one) => ({ chosen: new Set(one.settled ? one.settled.labels : []), comment: one.settled ? one.settled.comment : "" });
  const draft = () => {
    const one = current();
    if (!one) return null;
    if (!drafts.has(one.id)) drafts.set(one.id, fresh(one));
    return drafts.get(one.id);
  };
  const send = () => { if (ops.length) deliver(ops); };

  return {
    current, draft, send,
    all: visible,
    place: () => at,
    waiting: () => ops.length,
    // What the server says: ops that it has are done with; the text on the desk stays where it is.
    take(data) {
      const here = current();
      const refused = new Map(data.refused.map((one) => [one.uid, one.sentence]));
      const answered = new Set([...data.acked, ...refused.keys()]);
      for (const op of ops) if (answered.has(op.uid) && !refused.has(op.uid)) drafts.delete(op.document);
      ops = ops.filter((op) => !answered.has(op.uid));
      if (data.scope !== scope) at = 0;
      listed = data.cases;
      const again = data.scope === scope && here ? visible().findIndex((one) => one.id === here.id) : -1;
      if (again >= 0) at = again;
      scope = data.scope;
      clamp();
      return [...refused.values()];
    },
    go(steps) { at += steps; clamp(); },
    toggle(key) { const d = draft(); if (d && !d.chosen.delete(key)) d.chosen.add(key); },
    choose(keys) { const d = draft(); if (d) d.chosen = new Set(keys); },
    op(kind, order) {
      const one = current();
      const d = draft();
      if (!one) return;
      counter += 1;
      ops.push({
        uid: `${marker}-${counter}`, kind, document: one.id, project: one.project, labels: order.filter((key) => d.chosen.has(key)),
        comment: d.comment.trim(), seen: one.settled ? one.settled.at : null,
      });
      clamp();
      send();
    },
  };
}

// What more than half of those who have labelled the text chose.
function majorityOf(one) {
  const votes = one.choices.filter((choice) => choice.decision === "labelled");
  const keys = new Set(votes.flatMap((choice) => choice.labels));
  return [...keys].filter((key) => 2 * votes.filter((choice) => choice.labels.includes(key)).length > votes.length);
}
