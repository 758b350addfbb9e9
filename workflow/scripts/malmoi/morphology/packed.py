"""The analysis of a block in few bytes, as it is kept in the cache, and back to offsets.

A row per surface piece: the number of characters left out before it, its length, and its tag number, with
the highest bit set where one of Kiwi's sentences begins. The rows are bytes, or 32-bit integers for a block
with a longer piece or gap; the first byte of a packed block says which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from malmoi.morphology.surface import Pieces

_NARROW, _WIDE = b"\x01", b"\x04"
_SENTENCE = 0x80


def pack(pieces: Pieces) -> list[bytes]:
    """Return the packed analysis of each block."""
    starts, ends, counts = pieces.starts, pieces.ends, pieces.counts
    rows = np.empty((len(starts), 3), dtype=np.int32)
    rows[:1, 0] = starts[:1]
    rows[1:, 0] = starts[1:] - ends[:-1]
    limits = np.cumsum(counts)
    heads = (limits - counts)[counts > 0]
    rows[heads, 0] = starts[heads]
    rows[:, 1] = ends - starts
    firsts = np.diff(pieces.numbers, prepend=-1) != 0
    firsts[heads] = True
    rows[:, 2] = pieces.tags | (firsts.astype(np.uint8) * _SENTENCE)
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


def unpack(packed: Sequence[bytes]) -> Pieces:
    """Return the pieces of packed blocks; the numbers of the sentences go on from block to block."""
    parts = [
        np.frombuffer(block, np.uint8 if block[:1] == _NARROW else "<i4", offset=1).reshape(-1, 3)
        for block in packed
    ]
    counts = np.fromiter(map(len, parts), np.int64, len(parts))
    rows = np.concatenate(parts) if parts else np.zeros((0, 3), dtype=np.uint8)
    lengths = rows[:, 1].astype(np.int64)
    ends = np.cumsum(rows[:, 0] + lengths)
    before = np.append(0, ends)[np.cumsum(counts) - counts]
    ends -= np.repeat(before, counts)
    return Pieces(
        (ends - lengths).astype(np.int32),
        ends.astype(np.int32),
        (rows[:, 2] & (_SENTENCE - 1)).astype(np.uint8),
        np.cumsum((rows[:, 2] & _SENTENCE) != 0, dtype=np.int32),
        counts,
    )
