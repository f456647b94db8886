// The reviewer's board: paints the case on the desk, and turns keys and clicks into what cases.js keeps.

const LETTERS = "ABCDEFGH";
const SLOW_MS = 10000;
const BOARDS = new WeakMap();
const LABELS = new Map();  // by what the server calls their look: it sends those once that this page has not answered by

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;  // never markup: these are people's words
  return made;
}

function makeBoard(root) {
  const part = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
  const acts = Object.fromEntries([...root.querySelectorAll("[data-act]")].map((one) => [one.dataset.act, one]));
  const cases = makeCases(() => outbox);
  let outbox = null;
  let data = null;
  let setStateValue = null;
  let notices = [];
  let named = null;  // null: as the project has it
  let hint = "";
  const count = (n) => n.toLocaleString("en");  // 1,200, as everywhere on the pages
  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const showsNames = () => (named === null ? !data.blind : named);
  const label = (key) => data.labels.find((one) => one.key === key) || { key, name: key, colour: "#777" };
  const many = () => data.labels.length > data.listed;
  const none = new Set();
  const finder = makeFinder({
    field: part.find, list: part.found, count: part.foundCount, labels: () => data.labels, words: () => data.words,
    chosen: () => (cases.draft() || { chosen: none }).chosen, alike: (word) => word, toggle: press, look: () => {},
    takeLast: () => { const last = [...cases.draft().chosen].at(-1); if (last !== undefined) press(last); },
  });

  function press(key) {
    if (!cases.current()) return;
    hint = "";
    cases.toggle(key);
    paint();
  }

  // Of many labels those that somebody chose for this text, whoever it was.
  function offered(one) {
    if (!many()) return data.labels;
    const here = new Set([...one.choices.flatMap((choice) => choice.labels), ...(one.settled ? one.settled.labels : []), ...cases.draft().chosen]);
    return data.labels.filter((each) => here.has(each.key));
  }

  function chip(key, common) {
    const made = element("span", "chip" + (common ? " all" : ""), label(key).name);
    made.style.setProperty("--chip", label(key).colour);
    return made;
  }

  function person(one, choice, n) {
    const row = element("li");
    const letter = LETTERS[n] || "·";
    row.append(element("span", "letter", letter));
    const chips = element("span", "chips");
    if (choice.decision === "flagged") chips.append(element("span", "flag", data.words.flagged));
    const labelled = one.choices.filter((each) => each.decision === "labelled");
    for (const key of choice.labels) {
      chips.append(chip(key, labelled.length > 1 && labelled.every((each) => each.labels.includes(key))));
    }
    row.append(chips);
    const take = element("button", "", fill(data.words.take, { letter }) + " ");
    take.dataset.take = String(n);
    take.append(element("kbd", "", LETTERS[n] || ""));
    take.disabled = !choice.labels.length;
    row.append(take);
    if (choice.comment) row.append(element("span", "remark", choice.comment));
    if (showsNames()) row.append(element("span", "who", `${choice.who} · ${choice.at}`));
    return row;
  }

  function toggle(one, each) {
    const made = element("button", "toggle");
    made.dataset.label = each.key;
    made.style.setProperty("--chip", each.colour);
    made.setAttribute("aria-pressed", String(cases.draft().chosen.has(each.key)));
    const votes = one.choices.map((choice, n) => (choice.labels.includes(each.key) ? LETTERS[n] || "·" : "")).join("");
    made.append(element("span", "mark"), element("span", "name", each.name), element("span", "votes", votes), element("kbd", "", each.digit));
    return made;
  }

  function button(act, shown, key) {
    acts[act].hidden = !shown;
    acts[act].replaceChildren(document.createTextNode(data.words[act] + " "), element("kbd", "", key));
  }

  function paintState() {
    if (!data) return;
    const n = outbox.ops.length;
    const name = outbox.state === "saving" && outbox.waitedMs > SLOW_MS ? "slow" : outbox.state;
    const idle = n ? "" : data.words[`state_${name}_idle`];
    const words = name === "saved" ? (data.settledHere ? data.words.saved : "") : fill(idle || data.words["state_" + name], { n: count(n) });
    part.state.dataset.state = name;
    part.state.dataset.pending = String(n);
    if (part.state.textContent !== words) part.state.textContent = words;
  }

  function paintNotices() {
    part.notices.replaceChildren(...[...(data.trouble ? [data.trouble] : []), ...notices].map((words) => element("p", "", words)));
  }

  function paint() {
    const one = cases.current();
    const view = data.view;
    part.desk.hidden = !one;
    part.empty.hidden = Boolean(one);
    paintState();
    part.place.textContent = one ? fill(data.words.place, { at: count(cases.place() + 1), n: count(Math.max(data.n - cases.here(), cases.place() + 1)) }) : "";
    part.facts.textContent = one ? one.facts : "";
    if (!one) {
      part.emptyTitle.textContent = data.words.empty_title;
      part.emptyBody.textContent = data.words.empty_body;
      return;
    }
    if (part.text.dataset.shown !== String(one.id)) part.text.scrollTop = 0;
    part.text.dataset.shown = String(one.id);
    part.text.textContent = one.text;
    part.before.hidden = !one.settled;
    if (one.settled) {
      const who = showsNames() ? `${one.settled.who} · ${one.settled.when}` : one.settled.when;
      const names = one.settled.labels.map((key) => label(key).name).join(data.lang === "en" ? ", " : "、");
      part.before.textContent = fill(data.words[one.settled.left_out ? "left_out_as" : "settled_as"], { labels: names, who }) + (one.settled.comment ? ` ${one.settled.comment}` : "");
    }
    part.people.replaceChildren(...one.choices.map((choice, n) => person(one, choice, n)));
    const held = focused()?.dataset?.label;
    part.labels.replaceChildren(...offered(one).map((each) => toggle(one, each)));
    part.finding.hidden = !many();
    finder.paint();
    if (held !== undefined) part.labels.querySelector(`[data-label="${CSS.escape(held)}"]`)?.focus();
    part.commentWord.textContent = data.words.comment;
    if (part.comment.value !== cases.draft().comment) part.comment.value = cases.draft().comment;
    part.hint.textContent = hint;
    button("settle", true, "Enter");
    button("majority", one.choices.filter((each) => each.decision === "labelled").length > 1, "M");
    button("leave_out", !(one.settled && one.settled.left_out), "X");
    button("put_back", view === "flagged", "P");
    button("reopen", view === "settled", "R");
    button("previous", true, "←");
    button("next", true, "→");
    button("names", true, "N");
    acts.names.setAttribute("aria-pressed", String(showsNames()));
    acts.previous.disabled = cases.place() === 0;
    acts.next.disabled = cases.place() >= cases.all().length - 1;
  }

  const order = () => data.labels.map((each) => each.key);
  function act(name) {
    const one = cases.current();
    hint = "";
    if (name === "names") named = !showsNames();
    else if (!one || (acts[name] && (acts[name].hidden || acts[name].disabled))) return;
    else if (name === "previous") cases.go(-1);
    else if (name === "next") cases.go(1);
    else if (name === "majority") {
      cases.choose(majorityOf(one));
      if (!majorityOf(one).length) hint = data.words.no_majority;
    } else if (name === "settle" && !order().some((key) => cases.draft().chosen.has(key))) hint = data.words.need_label;
    else {
      notices = [];
      paintNotices();
      cases.op(name, order());
    }
    paint();
  }

  function take(n) {
    const one = cases.current();
    if (!one || !one.choices[n] || !one.choices[n].labels.length) return;
    hint = "";
    cases.choose(one.choices[n].labels);
    paint();
  }

  const KEYS = { Enter: "settle", ArrowLeft: "previous", ArrowRight: "next", N: "names", M: "majority", X: "leave_out", P: "put_back", R: "reopen" };
  function onKey(event) {
    const target = event.composedPath()[0];
    if (target === part.comment && !event.isComposing && event.keyCode !== 229 && /^(Enter|Escape)$/.test(event.key)) {
      event.preventDefault();
      root.focus();  // the line is kept; the next Enter settles
      return;
    }
    const key = readKey(event).replace("Shift+", "");
    const each = data && data.labels.find((one) => one.digit && one.digit === key);
    if (!key || !cases.current()) return;
    if (each) { press(each.key); claimEnter(root); }
    else if (key === "/") part.comment.focus();
    else if (key === "L" && many()) finder.open();
    else if (KEYS[key]) act(KEYS[key]);
    else if (LETTERS.includes(key)) take(LETTERS.indexOf(key));
    else return;
    event.preventDefault();
    event.stopPropagation();  // before Streamlit's own keys
  }

  function onClick(event) {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    if (pressed.dataset.label) press(pressed.dataset.label);
    else if (pressed.dataset.take) take(Number(pressed.dataset.take));
    else if (pressed.dataset.act) act(pressed.dataset.act);
  }

  document.addEventListener("keydown", onKey, true);
  document.addEventListener("click", leaveSidebar);
  root.addEventListener("click", onClick);
  part.comment.addEventListener("input", () => cases.comment(part.comment.value));
  const ticker = window.setInterval(paintState, 1000);

  // Another person: another outbox.
  function start(owner) {
    if (outbox) outbox.close();
    outbox = makeOutbox({
      name: "settle", owner, changed: paintState, deliver: (box) => setStateValue("outbox", { ...box, sid: data.sid, look: data.look }),
    });
    cases.recall(owner);
  }

  return {
    show(next, setter) {
      setStateValue = setter;
      const first = !data || data.owner !== next.owner;
      const sid = data ? data.sid : null;
      if (!data || data.scope !== next.scope) takeFocus(root, Boolean(data));
      if (first) start(next.owner);
      if (next.labels) LABELS.set(next.look, next.labels);
      data = { ...next, labels: LABELS.get(next.look) || [] };
      part.find.setAttribute("aria-label", next.words.find);
      part.find.placeholder = next.words.find_example;
      part.found.setAttribute("aria-label", next.words.labels);
      outbox.heard(next.heard);
      cases.take(next, () => outbox.settle([...next.acked, ...next.refused.map((one) => one.uid)]));
      notices = [...notices, ...next.refused.map((one) => one.sentence)].slice(-3);
      paintNotices();
      part.labels.setAttribute("aria-label", next.words.labels);
      paint();
      if (sid !== next.sid && outbox.ops.length) window.setTimeout(outbox.back, 0);  // a new session of the server
    },
    off() {
      document.removeEventListener("keydown", onKey, true);
      document.removeEventListener("click", leaveSidebar);
      window.clearInterval(ticker);
      outbox.close();
    },
  };
}

export default function ({ parentElement, data, setStateValue }) {
  let board = BOARDS.get(parentElement);
  if (!board) {
    board = makeBoard(parentElement.querySelector(".board"));
    BOARDS.set(parentElement, board);
  }
  board.show(data, setStateValue);
  return () => { board.off(); BOARDS.delete(parentElement); };
}
