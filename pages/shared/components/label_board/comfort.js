// Reading comfort: size, spacing and sentences of the text, words worth a highlight, and what the model thinks.

const SENTENCE_ENDS = /(?<=[。！？!?…；;][」』”’）)\]]*)(?=[^」』”’）)\]。！？!?…；;])/u;
const HUGE = 20000;  // characters; a text as long as this is shown without spans

function makeComfort(view) {
  let lengths = new Map();  // first character of a word → how long words that begin with it are, longest first
  let owners = new Map();  // word, its characters as `plain` has them → labels
  let first = new Map();   // character → the first of those that are written for each other
  let desk = null;
  let made = 0;

  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };

  const plain = (word) => Array.from(word, (character) => first.get(character) || character).join("");

  // `alike`: groups of characters, simplified and traditional, that are written for each other.
  function learn(labels, alike) {
    first = new Map(alike.flatMap((group) => Array.from(group, (character) => [character, group[0]])));
    owners = new Map();
    for (const label of labels) {
      for (const word of new Set((label.keywords || []).map(plain))) owners.set(word, [...(owners.get(word) || []), label]);
    }
    const sizes = new Map();
    for (const word of owners.keys()) {
      const characters = Array.from(word);
      if (characters.length) sizes.set(characters[0], (sizes.get(characters[0]) || new Set()).add(characters.length));
    }
    lengths = new Map([...sizes].map(([character, found]) => [character, [...found].sort((a, b) => b - a)]));
    made += 1;
  }

  function wear(wanted) {
    desk = wanted;
    made += 1;
    const style = view.part("board").style;
    style.setProperty("--size", desk.font_size + "px");
    style.setProperty("--leading", String(desk.line_height));
    style.setProperty("--measure", desk.measure + "em");
    view.part("text").dataset.sentences = desk.sentences;
  }

  // A stretch of text with the words in it marked: by colour and by a line under them.
  function marked(text) {
    if (!desk || !desk.highlights || !lengths.size) return [document.createTextNode(text)];
    const nodes = [];
    const characters = Array.from(text);
    const alike = characters.map((character) => first.get(character) || character);
    let from = 0;
    const passed = (to) => { if (to > from) nodes.push(document.createTextNode(characters.slice(from, to).join(""))); };
    for (let at = 0; at < characters.length; at += 1) {
      // Of the words that begin here, the longest; as many words as there are cost no more.
      const size = (lengths.get(alike[at]) || []).find((n) => owners.has(alike.slice(at, at + n).join("")) && at + n <= alike.length);
      if (!size) continue;
      const labels = owners.get(alike.slice(at, at + size).join(""));
      passed(at);
      const mark = make("mark", "", characters.slice(at, at + size).join(""));
      mark.style.setProperty("--chip", labels[0].colour);
      mark.title = labels.map((label) => label.name).join(" · ");
      nodes.push(mark);
      from = at + size;
      at = from - 1;
    }
    passed(characters.length);
    return nodes;
  }

  function paragraph(line, whole) {
    const p = make("p");
    if (whole || !desk || !desk.sentences) p.append(...marked(line));
    else {
      for (const sentence of line.split(SENTENCE_ENDS)) {
        const span = make("span", "sentence");
        span.append(...marked(sentence));
        p.append(span);
      }
    }
    return p;
  }

  // How sure the model is, as a small bar with a stroke at the label's threshold, and in words.
  function chance(at, p, threshold, w) {
    at.hidden = p === undefined;
    if (p === undefined) return;
    at.style.setProperty("--p", String(p));
    at.style.setProperty("--t", String(threshold === undefined ? 0.5 : threshold));
    at.classList.toggle("above", threshold !== undefined && p >= threshold);
    at.lastElementChild.textContent = p.toFixed(2);
    const said = threshold === undefined ? w.chance_alone : p >= threshold ? w.chance_above : w.chance_below;
    at.title = said.replace("{p}", p.toFixed(2)).replace("{t}", threshold === undefined ? "" : threshold.toFixed(2));
    at.setAttribute("aria-label", at.title);
  }

  return {
    learn, wear, chance, plain,
    get made() { return made; },
    paragraphs: (text) => {
      const lines = text.split(/\n+/).filter((line) => line.trim());
      return lines.map((line) => paragraph(line, text.length > HUGE));
    },
  };
}
