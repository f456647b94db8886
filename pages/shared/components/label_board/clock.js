// Time at work: stops after a minute without input and while the tab is hidden.

const IDLE_MS = 60000;
const REST_MS = 300000;  // so long away is a break

function makeClock(now = () => performance.now()) {
  let spent = 0;        // on the text at hand
  let worked = 0;       // since the last break
  let last = now();     // of input
  let hidden = false;

  const since = (at) => (hidden ? 0 : Math.max(0, Math.min(at - last, IDLE_MS)));
  function account() {
    const at = now();
    if (at - last > REST_MS) worked = 0;
    spent += since(at);
    worked += since(at);
    last = at;
  }

  return {
    input: account,
    hide() { account(); hidden = true; },
    show() { const at = now(); if (at - last > REST_MS) worked = 0; last = at; hidden = false; },
    // A text comes on the desk; `before`: what was spent on it when it was there last.
    start(before = 0) { account(); spent = before; },
    get ms() { return Math.round(spent + since(now())); },
    get workedMs() { return worked + since(now()); },
    rest() { worked = 0; },
  };
}
