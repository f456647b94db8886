"""Charts in the browser: each is drawn once, in sight first, and changed where it stands.

The files travel once and are kept by the browser: their address holds what they are. ``LOADER`` is all that a chart
brings along.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
PLACE = "/figures"  # below it: the version, then a name of FILES


def _plotly() -> Path:
    """Plotly's own script, as its Python package brings it along; found without loading the package."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ImportError("plotly is not installed")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


FILES = {"chart.js": HERE / "chart.js", "look.js": HERE / "look.js", "plotly.js": _plotly()}


def _version() -> str:
    ours = b"".join(path.read_bytes() for path in (FILES["chart.js"], FILES["look.js"]))
    with FILES["plotly.js"].open("rb") as script:
        return hashlib.sha256(ours + script.read(200)).hexdigest()[:16]  # whose version stands in its first lines


VERSION = _version()
LOADER = f"""const module = import(new URL("{PLACE}/{VERSION}/chart.js", document.baseURI).href);
const MOUNTS = new WeakMap();
export default function (args) {{
  MOUNTS.set(args.parentElement, args);
  module.then((chart) => {{ if (MOUNTS.get(args.parentElement) === args) chart.show(args); }},
    () => {{ args.parentElement.querySelector("[role=figure]").textContent = args.data.failed; }});
  return () => {{
    MOUNTS.delete(args.parentElement);
    module.then((chart) => chart.close(args.parentElement), () => {{}});
  }};
}}
"""
