// All of a board's code that travels with every run. The board itself comes once a session, in `data.assets`, and is
// kept on the page: Streamlit would send html, css and js with each answer to each decision. NAME stands before this.

const KEPT = ((globalThis.tagtailBoards ??= {})[NAME] ??= { assets: null, module: null });
const MOUNTS = new WeakMap();

function keep(assets) {
  if (!assets || (KEPT.assets && KEPT.assets.id === assets.id)) return;
  const url = URL.createObjectURL(new Blob([assets.js], { type: "text/javascript" }));
  KEPT.assets = assets;
  KEPT.module = import(url).finally(() => URL.revokeObjectURL(url));
}

function mount(root) {
  const { id, html, css } = KEPT.assets;
  const place = document.createElement("div");
  const style = document.createElement("style");
  style.textContent = css;
  // The board's own file, and nothing that anybody wrote; texts enter as textContent alone.
  place.append(style, ...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  root.append(place);
  let latest = null;
  let board = null;      // the module's default export
  let leave = () => {};
  let gone = false;
  KEPT.module.then((made) => {
    if (gone) return;
    board = made.default;
    if (latest) leave = board(latest);
  });
  return {
    id,
    hear(args) { latest = args; if (board) leave = board(args); },
    close() { gone = true; leave(); place.remove(); },
  };
}

export default function (args) {
  const root = args.parentElement;
  keep(args.data.assets);
  let at = MOUNTS.get(root);
  if (at && at.id !== KEPT.assets.id) { at.close(); at = null; }  // a newer version of the product
  if (!at && KEPT.assets) { at = mount(root); MOUNTS.set(root, at); }
  if (at) at.hear(args);
  return () => {
    const open = MOUNTS.get(root);
    if (open) open.close();
    MOUNTS.delete(root);
  };
}
