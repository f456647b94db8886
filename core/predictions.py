"""How a student's probabilities of a text are kept: those of all labels, or of the likeliest alone.

*Dense*: K little-endian float16, a number a label. *Top*: two bytes that are no probability (a NaN of float16), two of
the format's number, K as uint32, then the labels' positions as uint32, the likeliest first, then as many float16. So a
blob tells by itself which one it is, and those of before there was a choice read as they did. A label that a top blob
leaves out counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse as sp

DENSE_LABELS = 500  # with more of them the likeliest alone are kept
KEPT = 64  # labels of a text
_MARK, _FORMAT = b"\xff\xff", 1
_HEAD = 8  # bytes


@dataclass(frozen=True)
class Likeliest:
    """The likeliest labels of P texts, the best first; -1 and 0 behind the last. Shapes: labels, probs (P, T)."""

    labels: NDArray[np.int64]
    probs: NDArray[np.float32]
    n_labels: int

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: NDArray[np.int64] | slice) -> Likeliest:
        """These texts alone."""
        return Likeliest(self.labels[rows], self.probs[rows], self.n_labels)

    def matrix(self) -> sp.csr_matrix:
        """Shapes: → (P, K); a label that is not listed is not stored."""
        import scipy.sparse as sp  # heavy: services, which read one text's, do not wait for it

        listed = self.labels >= 0
        starts = np.concatenate([[0], np.cumsum(listed.sum(axis=1))])
        shape = (len(self.labels), self.n_labels)
        found = sp.csr_matrix((self.probs[listed].astype(np.float64), self.labels[listed], starts), shape=shape)
        found.sort_indices()
        return found

    def dense(self) -> NDArray[np.float32]:
        """Shapes: → (P, K), 0 where a label is not listed."""
        out = np.zeros((len(self.labels), self.n_labels), dtype=np.float32)
        text, place = np.nonzero(self.labels >= 0)
        out[text, self.labels[text, place]] = self.probs[text, place]
        return out


def likeliest(probs: NDArray, most: int = KEPT) -> Likeliest:
    """The best of each text; of equal ones the first label. Shapes: (P, K) → (P, min(most, K))."""
    found = np.asarray(probs)
    labels = np.argsort(-found, axis=1, kind="stable")[:, :most].astype(np.int64)
    return Likeliest(labels, np.take_along_axis(found, labels, axis=1).astype(np.float32), found.shape[1])


def packed(found: NDArray | Likeliest) -> list[bytes]:
    """A blob a text: dense where all labels are given and they are few, else the likeliest."""
    if not isinstance(found, Likeliest):
        if np.shape(found)[1] <= DENSE_LABELS:
            return [row.tobytes() for row in np.asarray(found).astype("<f2")]
        found = likeliest(found)
    head = _MARK + _FORMAT.to_bytes(2, "little") + found.n_labels.to_bytes(4, "little")
    half = found.probs.astype("<f2")
    many = (found.labels >= 0).sum(axis=1)
    return [
        head + found.labels[n, :m].astype("<u4").tobytes() + half[n, :m].tobytes() for n, m in enumerate(many.tolist())
    ]


def listed(blob: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The labels that a blob names, and their probabilities. Raises ValueError: of a newer format, or damaged."""
    if blob[:2] != _MARK:
        probs = np.frombuffer(blob, dtype="<f2").astype(np.float64)
        return np.arange(len(probs)), probs
    form, many = int.from_bytes(blob[2:4], "little"), (len(blob) - _HEAD) // 6
    if form != _FORMAT or _HEAD + 6 * many != len(blob):
        raise ValueError(f"predictions of format {form}, {len(blob)} bytes")
    labels = np.frombuffer(blob, dtype="<u4", count=many, offset=_HEAD).astype(np.int64)
    return labels, np.frombuffer(blob, dtype="<f2", offset=_HEAD + 4 * many).astype(np.float64)


def unpacked(blob: bytes, n_labels: int) -> NDArray[np.float64]:
    """All labels' probabilities. Shapes: → (K,). Raises ValueError: as ``listed``, or of other labels."""
    labels, probs = listed(blob)
    known = int.from_bytes(blob[4:_HEAD], "little") if blob[:2] == _MARK else len(probs)
    if known != n_labels:
        raise ValueError(f"predictions of {known} labels, not {n_labels}")
    out = np.zeros(n_labels)
    out[labels] = probs
    return out


def rows_of(blobs: Sequence[bytes | None], n_labels: int) -> sp.csr_matrix:
    """Blobs as rows; one that is not there is an empty row. Shapes: P blobs → (P, K)."""
    import scipy.sparse as sp

    pairs = [listed(blob) if blob is not None else (np.zeros(0, np.int64), np.zeros(0)) for blob in blobs]
    starts = np.cumsum([0, *(len(labels) for labels, _ in pairs)])
    labels, probs = (np.concatenate([each[n] for each in pairs]) if pairs else np.zeros(0) for n in (0, 1))
    found = sp.csr_matrix((probs, labels.astype(np.int64), starts), shape=(len(pairs), n_labels))
    found.sort_indices()
    return found
