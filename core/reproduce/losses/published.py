"""The published figures on Reuters-90, per cent: (micro-F1, macro-F1). Source: huang2021, tables 2 and 3.

They were measured with BERT-base-cased. ``single`` and ``multi`` are the test texts with one label and with more; the
support vector machines stand in table 2 alone.
"""

from __future__ import annotations

SOURCE = "huang2021"
GROUPS = ("total", "head", "medium", "tail", "single", "multi")
Pair = tuple[float, float]
_ROWS: dict[str, tuple[Pair, ...]] = {
    "svm": ((87.60, 51.63), (89.87, 78.47), (66.92, 61.00), (22.54, 13.83)),
    "bce.v1": ((89.14, 47.32), (91.75, 82.81), (66.28, 57.26), (0.00, 0.00), (94.11, 41.44), (76.26, 33.11)),
    "fl.v1": ((89.97, 56.83), (91.83, 82.64), (76.16, 70.63), (27.40, 15.37), (94.81, 50.33), (77.54, 40.07)),
    "cb.v1": ((89.23, 52.96), (91.56, 80.44), (71.64, 66.61), (23.08, 9.93), (94.10, 44.72), (77.27, 38.80)),
    "r_fl.v1": ((89.47, 54.35), (91.59, 80.39), (72.86, 66.69), (25.00, 14.22), (95.21, 47.45), (74.29, 38.79)),
    "ntr_fl.v1": ((90.70, 60.70), (92.37, 82.65), (79.35, 75.34), (39.51, 22.33), (95.42, 51.33), (78.85, 44.37)),
    "db_0fl.v1": ((89.45, 57.98), (91.21, 82.05), (77.33, 71.11), (31.17, 19.05), (94.48, 51.80), (76.63, 42.26)),
    "cb_ntr.v1": ((90.74, 63.31), (92.46, 83.28), (78.42, 72.98), (46.32, 32.31), (95.17, 51.08), (79.56, 49.94)),
    "db.v1": ((90.62, 64.47), (92.14, 83.48), (80.25, 77.01), (48.89, 31.39), (94.49, 54.31), (81.17, 50.12)),
}
TABLE: dict[tuple[str, str], Pair] = {
    (model, group): pair for model, row in _ROWS.items() for group, pair in zip(GROUPS, row, strict=False)
}
