// When a chart is drawn: in sight at once, else while nobody waits. One that stands is changed, never drawn anew.
import { seen, template } from "./look.js";

const MOUNTS = new Map();  // element → chart
const IDLE_MS = 60;        // between two charts that nobody sees
const RUNS_MS = 250;       // until it is asked again whether the page's script still runs
const LOAD_MS = 400;       // the longest wait for a calm moment to read what draws charts
const NEAR = "240px";      // in sight as good as
const soon = window.requestIdleCallback ?? ((then) => window.setTimeout(then, 50));
let plotly = null;
let resting = false;

function drawer() {
  plotly ??= new Promise((then, fail) => soon(() => {
    const script = document.createElement("script");
    script.src = new URL("plotly.js", import.meta.url).href;
    script.onload = () => then(window.Plotly);
    script.onerror = () => { plotly = null; script.remove(); fail(new Error(script.src)); };
    document.head.append(script);
  }, { timeout: LOAD_MS }));
  return plotly;
}

const eyes = new IntersectionObserver((found) => {
  for (const { target, isIntersecting } of found) {
    const one = MOUNTS.get(target);
    if (!one) continue;
    one.inSight = isIntersecting;
    if (isIntersecting) draw(one);
  }
}, { rootMargin: NEAR, scrollMargin: NEAR });

const sizes = new ResizeObserver((found) => found.forEach(({ target }) => {
  if (MOUNTS.has(target)) wanted(MOUNTS.get(target));
}));

/** Whether what stands is not what should stand. */
function stale(one) {
  const width = one.root.clientWidth;
  if (!width || one.failed) return false;
  return one.stands !== one.data.figure || one.width !== width || one.look !== seen(one.root);
}

function wanted(one) {
  if (one.inSight) draw(one);
  else rest();
}

/** Draws what is stale and out of sight, one chart in each calm moment. */
function rest() {
  if (resting || document.hidden) return;
  resting = true;
  const look = () => soon(() => {
    const app = document.querySelector("[data-testid=stApp]");
    const runs = app?.dataset.testScriptState !== "notRunning";
    const one = [...MOUNTS.values()].find((each) => !each.drawing && stale(each));
    if (one && !runs) draw(one);
    if (one && !document.hidden) window.setTimeout(look, runs ? RUNS_MS : IDLE_MS);
    else resting = false;
  });
  look();
}

async function draw(one) {
  if (one.drawing || !stale(one)) return;
  one.drawing = true;
  try {
    const Plotly = await drawer();
    if (MOUNTS.get(one.root) === one && stale(one)) await put(one, Plotly);
  } catch (error) {
    console.error(error);
    one.failed = true;
    if (!one.stands) one.place.textContent = one.data.failed;
    one.place.removeAttribute("aria-busy");
  }
  one.drawing = false;
  if (MOUNTS.get(one.root) === one && stale(one)) wanted(one);
}

async function put(one, Plotly) {
  const first = !one.stands;
  one.draws = Plotly;  // another page may bring along one of its own
  [one.stands, one.look, one.width] = [one.data.figure, seen(one.root), one.root.clientWidth];
  const { data, layout } = JSON.parse(one.stands);
  layout.template = template(one.look);
  layout.width = one.width;
  if (one.data.picks) layout.clickmode = "event+select";
  if (first) {
    one.place.textContent = "";
    one.config = config(one, Plotly);
  }
  await Plotly.react(one.place, data, layout, one.config);
  if (first && one.data.picks) one.place.on("plotly_click", (event) => picked(one, event));
  if (one.stands === one.data.figure) one.place.removeAttribute("aria-busy");
}

/** One button: the picture as a file, of the kind that was chosen last. */
function config(one, Plotly) {
  const camera = {
    name: "picture", title: one.data.camera, icon: Plotly.Icons.camera,
    click: (plot) => Plotly.downloadImage(plot, { ...one.data.picture, scale: 2 }),
  };
  return { displaylogo: false, displayModeBar: true, modeBarButtons: [[camera]] };
}

function picked(one, event) {
  const points = event.points.filter((each) => each.customdata).map(({ customdata }) => ({ customdata }));
  if (points.length) one.tell("selection", { points, at: Math.round(performance.now()) });
}

export function show({ parentElement: root, data, setStateValue }) {
  let one = MOUNTS.get(root);
  const fresh = !one;
  if (fresh) {
    one = { root, place: root.querySelector("[role=figure]"), inSight: false, drawing: false };
    MOUNTS.set(root, one);
  }
  one.data = data;
  one.tell = setStateValue;
  one.failed = false;
  one.place.setAttribute("aria-label", data.alt);
  one.place.style.height = `${data.height}px`;
  if (one.stands !== data.figure) one.place.setAttribute("aria-busy", "true");
  if (fresh) {
    eyes.observe(root);
    sizes.observe(root);
  } else wanted(one);
}

export function close(root) {
  const one = MOUNTS.get(root);
  if (!one) return;
  MOUNTS.delete(root);
  eyes.unobserve(root);
  sizes.unobserve(root);
  one.draws?.purge(one.place);
}

document.addEventListener("visibilitychange", rest);
window.addEventListener("beforeprint", () => MOUNTS.forEach(draw));
