"""A report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.experiments.drawing import escape

STYLE = """
body{font:15px/1.55 'Noto Sans TC','PingFang TC','Microsoft JhengHei',system-ui,sans-serif;color:#111;
max-width:1080px;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th{border-bottom:2px solid #888}td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.best{font-weight:700}
small,.quiet{color:#555}svg{max-width:100%;height:auto}pre{background:#f6f6f6;padding:.8rem;overflow-x:auto}
"""


def document(title: str, parts: Iterable[str]) -> str:
    """The whole file; ``parts`` are its body."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(parts)
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>\n'


def tabulated(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{head}</th>" for head in heads)
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in body)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'


def bullets(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in sentences) + "</ul>"


def p_value(p: float) -> str:
    said = "–" if p != p else "< 0.001" if p < 0.001 else f"{p:.3f}"
    return f'<span class="best">{escape(said)}</span>' if p < 0.01 else escape(said)


def escape_lines(text: str) -> str:
    return "\n".join(escape(line) for line in text.split("\n"))
