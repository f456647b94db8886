// Says when its tab comes into view, and asks for the tab ahead of that once the page is at rest.
const MOUNTS = new WeakMap();
const REST_MS = 1200;
const EARLIER = "[data-tagtail-tab][data-filled=false]";

// Whenever anything is drawn, the tabs' library (React Aria, useHasTabbableChild) looks through each panel for something
// that the Tab key would reach. In an inert panel there is nothing, and looking at its thousands of nodes to find that
// out was a quarter of what a lead waited for.
const walk = TreeWalker.prototype.nextNode;
if (!walk.tagtail) {
  const hidden = ({ root }) => root.inert && root.dataset?.testid === "stTabPanel";
  const next = function nextNode() { return hidden(this) ? null : walk.call(this); };
  TreeWalker.prototype.nextNode = Object.assign(next, { tagtail: true });
}

function mount(root, data, tell) {
  const panel = root.closest("[data-testid=stTabPanel]");
  const app = document.querySelector("[data-testid=stApp]");
  root.dataset.tagtailTab = data.tab;
  let asked = false;
  let rested = performance.now();
  const say = (why) => { asked = true; rested = performance.now(); tell("seen", `${why}:${Math.round(performance.now())}`); };
  const address = () => {  // as the address says, so is it after a reload; no step in the history
    const url = new URL(window.location.href);
    if (url.searchParams.get("tab") === data.tab) return;
    url.searchParams.set("tab", data.tab);
    window.history.replaceState(window.history.state, "", url);
  };
  const inSight = () => Boolean(panel) && !panel.hasAttribute("inert");
  const shown = () => {
    address();
    say("shown");
  };
  const eyes = new MutationObserver(() => { if (inSight()) shown(); });
  if (panel) eyes.observe(panel, { attributes: true, attributeFilter: ["inert"] });
  const timer = window.setInterval(() => {
    if (data.filled || asked || document.hidden) return;
    if (inSight()) {  // chosen before this stood here to see it
      shown();
      return;
    }
    const runs = app?.getAttribute("data-test-script-state") !== "notRunning" || document.querySelector("[data-stale=true]");
    const busy = runs || document.querySelector("[role=dialog]");  // somebody reads in it
    const now = performance.now();
    if (busy) rested = now;
    if (now - rested < REST_MS || document.querySelector(EARLIER) !== root) return;
    say("ahead");
  }, 200);
  return {
    hear(fresh) {
      data = fresh;
      root.dataset.filled = String(Boolean(data.filled));
      if (!data.filled) asked = false;
    },
    close() { eyes.disconnect(); window.clearInterval(timer); },
  };
}

export default function ({ parentElement, data, setStateValue }) {
  if (!MOUNTS.has(parentElement)) MOUNTS.set(parentElement, mount(parentElement, data, setStateValue));
  const at = MOUNTS.get(parentElement);
  at.hear(data);
  return () => {
    at.close();
    if (MOUNTS.get(parentElement) === at) MOUNTS.delete(parentElement);
  };
}
