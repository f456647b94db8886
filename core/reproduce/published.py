"""The published figures, per cent, means over five folds. Source: lee2022kd, table 1.

They were measured on 2,724 texts that are not public, with another segmenter and other word vectors.
"""

from __future__ import annotations

SOURCE = "lee2022kd"
METRICS = ("micro", "macro", "weighted", "subset")
TABLE: dict[tuple[str, str], tuple[float, float, float, float]] = {
    ("textrnn.v1", "teacher"): (72.11, 62.65, 71.93, 13.70),
    ("textrnn.v1", "standalone"): (71.09, 57.15, 68.82, 15.85),
    ("textrnn.v1", "kd"): (74.29, 63.76, 73.52, 16.24),
    ("textcnn.v1", "teacher"): (75.89, 68.35, 75.48, 18.75),
    ("textcnn.v1", "standalone"): (74.55, 63.57, 72.88, 18.75),
    ("textcnn.v1", "kd"): (76.80, 67.68, 75.72, 19.70),
    ("han.v1", "teacher"): (75.73, 69.36, 75.60, 17.79),
    ("han.v1", "standalone"): (74.63, 66.08, 73.66, 19.10),
    ("han.v1", "kd"): (77.54, 71.00, 77.15, 21.22),
    ("gru_att.v1", "teacher"): (73.30, 64.70, 73.06, 14.93),
    ("gru_att.v1", "standalone"): (71.90, 61.44, 70.88, 14.69),
    ("gru_att.v1", "kd"): (75.17, 67.63, 75.26, 16.52),
}
