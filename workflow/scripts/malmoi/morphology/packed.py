"""The analysis of a block in few bytes, as it is kept in the cache, and back to offsets.

A row per surface piece: the number of characters left out before it, its length, and its tag number, with the
highest bit set where a sentence begins. The rows are bytes, or 32-bit integers for a block with a longer
piece or gap; the first byte of a packed block says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NARROW, _WIDE = b"\x01", b"\x04"
_SENTENCE = 0x80


@dataclass(frozen=True)
class Offsets:
    """The pieces and sentences of several blocks, one after the other.

    ``starts``, ``ends`` int32 [M], ``tags`` uint8 [M] are the pieces; ``sentences`` int64 [S] are the numbers of
    the pieces that begin a sentence, which the piece before the next one ends; ``counts`` and
    ``sentence_counts`` int64 [B] are the numbers of both in each block.
    """

    starts: np.ndarray
    ends: np.ndarray
    tags: np.ndarray
    sentences: np.ndarray
    counts: np.ndarray
    sentence_counts: np.ndarray


def pack(
    starts: np.ndarray, ends: np.ndarray, tags: np.ndarray, firsts: np.ndarray, counts: np.ndarray
) -> list[bytes]:
    """Return each block's packed analysis.

    ``starts``, ``ends`` [M] count from the beginning of a piece's block, ``firsts`` bool [M] says whether a
    sentence begins with a piece, ``counts`` [B] is the number of pieces of each block.
    """
    rows = np.empty((len(starts), 3), dtype=np.int32)
    rows[:1, 0] = starts[:1]
    rows[1:, 0] = starts[1:] - ends[:-1]
    limits = np.cumsum(counts)
    heads = (limits - counts)[counts > 0]
    rows[heads, 0] = starts[heads]
    rows[:, 1] = ends - starts
    rows[:, 2] = tags | (firsts.astype(np.uint8) * _SENTENCE)
    narrow = rows.astype(np.uint8).tobytes()
    wide = np.flatnonzero((rows[:, :2] > 255).any(axis=1))
    packed = []
    start = 0
    for limit in limits.tolist():
        packed.append(_NARROW + narrow[3 * start : 3 * limit])
        start = limit
    for block in np.unique(np.searchsorted(limits, wide, side="right")).tolist():
        part = rows[limits[block] - counts[block] : limits[block]]
        packed[block] = _WIDE + part.astype("<i4").tobytes()
    return packed


def unpack(packed: Sequence[bytes], bases: np.ndarray) -> Offsets:
    """Return the pieces of packed blocks, the offsets of each counted from its number in ``bases`` [B]."""
    parts = [
        np.frombuffer(block, np.uint8 if block[:1] == _NARROW else "<i4", offset=1).reshape(-1, 3)
        for block in packed
    ]
    counts = np.fromiter(map(len, parts), np.int64, len(parts))
    rows = np.concatenate(parts) if parts else np.zeros((0, 3), dtype=np.uint8)
    lengths = rows[:, 1].astype(np.int64)
    ends = np.cumsum(rows[:, 0] + lengths)
    limits = np.cumsum(counts)
    before = np.append(0, ends)[limits - counts]
    ends += np.repeat(bases - before, counts)
    begins = (rows[:, 2] & _SENTENCE) != 0
    sums = np.append(0, np.cumsum(begins))
    return Offsets(
        (ends - lengths).astype(np.int32),
        ends.astype(np.int32),
        (rows[:, 2] & (_SENTENCE - 1)).astype(np.uint8),
        np.flatnonzero(begins),
        counts,
        sums[limits] - sums[limits - counts],
    )
